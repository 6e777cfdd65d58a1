"""Own scores, own time and pay, own answers: nothing of anybody else."""

from datetime import timedelta
from typing import Any

import pandas as pd
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.money import display, from_micro
from common.time import local_date, utc_now
from console.queue.answers import short
from console.queue.doors import Visit, door
from console.queue.forms import PeriodForm
from quality.reports.own_scores import own_scores
from quality.reports.own_work import (
    KINDS,
    OUTCOMES,
    Period,
    between,
    by_day,
    by_week,
    outcome_of,
    own_answers,
    own_work,
    total,
    with_pay,
)
from quality.services.exports import export_csv
from quality.services.pause_notices import notices_for
from quality.services.submitting import UNSEEN_HOURS
from routing.choices import Purpose

PAGE = 50
DAYS = 14  # that are shown unless others are asked for


@door
@require_safe
def scores(request: Visit) -> HttpResponse:
    """Show what is known of one's own accuracy, by skill."""
    now = utc_now()
    found = own_scores(request.annotator, acting_user=request.user, now=now)
    return render(
        request,
        "queue/scores.html",
        {
            "here": "scores",
            "known": [score for score in found if score.told or score.found],
            "unknown": [score for score in found if not (score.told or score.found)],
            "pauses": len(notices_for(request.user, now=now)),
        },
    )


def period_form(request: Visit) -> tuple[PeriodForm, Period]:
    """Return the form of the period that is looked at, and the period: the usual one if wrong."""
    today = local_date(utc_now(), request.annotator.time_zone)
    usual = {"since": today - timedelta(days=DAYS - 1), "until": today}
    data = {name: request.GET.get(name) or value for name, value in usual.items()}
    form = PeriodForm({**data, "project": request.GET.get("project", "")})
    found = form.cleaned_data if form.is_valid() else usual
    return form, Period(found["since"], found["until"] + timedelta(days=1))


def _table(request: Visit) -> tuple[PeriodForm, pd.DataFrame, list[tuple[str, str]]]:
    """Return the filters, the work by day, and the projects worked for in the period."""
    form, period = period_form(request)
    rows = own_work(request.annotator, period, acting_user=request.user, now=utc_now())
    days = by_day(with_pay(rows, request.annotator))
    named = days[["project_id", "project"]].drop_duplicates().sort_values("project")
    projects = [(str(key), name) for key, name in named.itertuples(index=False)]
    wanted = request.GET.get("project", "")
    if wanted:
        days = days[days["project_id"].astype(str) == wanted]
    return form, days, projects


@door
@require_safe
def time(request: Visit) -> HttpResponse:
    """Show one's own work by day and week: items, time, and for own staff what it is worth."""
    form, days, projects = _table(request)
    money = _money(request)
    weeks = [
        {
            "monday": monday,
            "sunday": monday + timedelta(days=6),
            "rows": [_shown(row, money) for row in table.to_dict("records")],
            "sum": _shown(total(table), money),
        }
        for monday, table in by_week(days)
    ]
    return render(
        request,
        "queue/time.html",
        {
            "here": "time",
            "form": form,
            "projects": projects,
            "project": request.GET.get("project", ""),
            "weeks": weeks,
            "sum": _shown(total(days), money),
            "paid": "pay" in days,
            "query": request.GET.urlencode(),
        },
    )


def _money(request: Visit) -> str:
    return str(request.annotator.pool.currency)


def _shown(row: dict[Any, Any], currency: str) -> dict[Any, Any]:
    """Return a row of the table with its words."""
    found = {**row, "words": KINDS.get(str(row.get("kind", "")), "")}
    if "pay" in row:
        found["money"] = display(int(row["pay"]), currency)
    return found


@door
@require_safe
def time_file(request: Visit) -> HttpResponse:
    """Return one's own work by day as CSV; money in major units, seconds with two decimals."""
    _form, days, _projects = _table(request)
    table = days.drop(columns=["project_id"]).rename(
        columns={"item": "items", "raw": "raw_seconds", "billable": "billable_seconds"}
    )
    for name in ("raw_seconds", "billable_seconds"):
        table[name] = table[name].round(2)
    if "pay" in table:
        table["pay"] = [f"{from_micro(int(micro)):f}" for micro in table["pay"]]
        table["currency"] = _money(request)
    text = export_csv(
        "own_time",
        table,
        permission="own_work.do",
        acting_user=request.user,
        now=utc_now(),
    )
    answer = HttpResponse(text, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="own-time.csv"'
    return answer


@door
@require_safe
def answers(request: Visit) -> HttpResponse:
    """List one's own answers with what became of them."""
    form, period = period_form(request)
    now = utc_now()
    rows = between(
        own_answers(request.annotator, acting_user=request.user),
        "submitted_at",
        period,
        request.annotator,
    )
    projects = sorted(
        {
            (str(key), name)
            for key, name in rows.order_by()
            .values_list("task__project__public_id", "task__project__name")
            .distinct()
        },
        key=lambda pair: pair[1],
    )
    wanted = request.GET.get("project", "")
    if wanted:
        known = {key for key, _name in projects}
        rows = rows.filter(task__project__public_id=wanted) if wanted in known else rows.none()
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    listed = [
        {
            "row": row,
            "text": short(row.label or row.answer),
            "qualification": _purpose(row) == Purpose.QUALIFICATION,
            "young": row.assignment is not None and now - row.submitted_at < UNSEEN_HOURS,
            "outcome": OUTCOMES.get(
                outcome_of(
                    purpose=_purpose(row),
                    attempt=row.assignment.attempt if row.assignment is not None else None,
                    task_attempt=row.task.attempt,
                    state=row.task.state,
                    submitted_at=row.submitted_at,
                    now=now,
                ),
                "",
            ),
        }
        for row in page
    ]
    query = request.GET.copy()
    query.pop("page", None)
    return render(
        request,
        "queue/answers.html",
        {
            "here": "time",
            "form": form,
            "projects": projects,
            "project": wanted,
            "page": page,
            "listed": listed,
            "query": query.urlencode(),
        },
    )


def _purpose(row: Any) -> str:
    return str(row.assignment.purpose) if row.assignment is not None else str(Purpose.LABEL)
