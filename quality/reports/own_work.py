"""What an annotator did: items, time and pay by day, and what became of the answers.

Gold is ordinary work here. What became of an answer is told a day late, when it is told of gold,
too, that it was accepted; within the day all wait alike. What is not accepted by then was work, as
its rework would tell anyhow; what is accepted may be either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.access import scoped
from accounts.models import User
from common.time import start_of_day, zone
from quality.core.time_rules import Reading, derive
from quality.models import Adjudication, Judgment, Review
from quality.reports.own_scores import only_own
from quality.services.reviewing import TIME_RULE
from routing.choices import Purpose, TaskState
from workforce.choices import PoolKind
from workforce.models import Annotator

ANSWER, QUALIFICATION, REVIEW, ADJUDICATION = (
    "answer",
    "qualification",
    "review",
    "adjudication",
)
KINDS = {
    ANSWER: _("answers"),
    QUALIFICATION: _("qualification"),
    REVIEW: _("quality reviews"),
    ADJUDICATION: _("adjudications"),
}
ACCEPTED, WAITING, ANEW, TAKEN_BACK, COUNTS = "accepted", "waiting", "anew", "taken back", ""
OUTCOMES = {
    ACCEPTED: _("accepted"),
    WAITING: _("being checked"),
    ANEW: _("done anew"),
    TAKEN_BACK: _("not wanted any more"),
}
COLUMNS = (
    "at",
    "day",
    "kind",
    "project",
    "project_id",
    "task_type",
    "item",
    "outcome",
    "raw",
    "billable",
)
BY = ["day", "project", "project_id", "task_type", "kind"]
SUMS = ("item", "accepted", "waiting", "anew", "taken_back", "raw", "billable")
PLACE = ("task__project__name", "task__project__public_id", "task__task_type__name")


@dataclass(frozen=True)
class Period:
    """Days of the annotator's zone, `until` not included."""

    since: date
    until: date


def own_answers(annotator: Annotator, *, acting_user: User) -> QuerySet[Judgment]:
    """Return an annotator's own answers, of corrected ones the last, the latest first."""
    return (
        _all_answers(annotator, acting_user)
        .exclude(_corrected())
        .select_related("task__project", "task__task_type", "assignment", "guideline")
        .order_by("-submitted_at", "-pk")
    )


def _all_answers(annotator: Annotator, acting_user: User) -> QuerySet[Judgment]:
    only_own(annotator, acting_user)
    return scoped(Judgment.objects.filter(annotator=annotator), acting_user)


def _corrected() -> Exists:
    """Return the condition that an answer was corrected by a later row."""
    later = Judgment.objects.filter(
        assignment__isnull=False, assignment=OuterRef("assignment"), attempt__gt=OuterRef("attempt")
    )
    return Exists(later)


def between(
    rows: QuerySet[Any], column: str, period: Period, annotator: Annotator
) -> QuerySet[Any]:
    """Return the rows of a period in the annotator's zone."""
    name = annotator.time_zone
    return rows.filter(
        **{
            f"{column}__gte": start_of_day(period.since, name),
            f"{column}__lt": start_of_day(period.until, name),
        }
    )


def outcome_of(
    *,
    purpose: str,
    attempt: int | None,
    task_attempt: int,
    state: str,
    submitted_at: datetime,
    now: datetime,
) -> str:
    """Return what became of an answer, as its annotator is told.

    attempt : of the task when it was taken, None where the answer was imported
    """
    if purpose == Purpose.QUALIFICATION:
        return COUNTS
    if now - submitted_at < timedelta(hours=settings.GOLD_DELAY_HOURS):
        return WAITING
    if purpose == Purpose.GOLD:
        return ACCEPTED
    if (attempt or 1) < task_attempt:
        return ANEW
    if state in (TaskState.CANCELLED, TaskState.RECALLED):
        return TAKEN_BACK
    return ACCEPTED if state == TaskState.ACCEPTED else WAITING


def own_work(
    annotator: Annotator, period: Period, *, acting_user: User, now: datetime
) -> pd.DataFrame:
    """Return everything an annotator did in a period, one row each, the earliest first.

    Columns as COLUMNS: `item` is 0 where an answer was corrected later (its time counts, it is no
    item), `outcome` of answers only, `raw` and `billable` in seconds.
    """
    only_own(annotator, acting_user)
    rows = [
        *_answers(annotator, period, acting_user, now),
        *_reviews(annotator, period),
        *_adjudications(annotator, period),
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["at", "kind"], kind="stable", ignore_index=True)


def _answers(
    annotator: Annotator, period: Period, acting_user: User, now: datetime
) -> list[tuple[Any, ...]]:
    rows = between(_all_answers(annotator, acting_user), "submitted_at", period, annotator)
    here = zone(annotator.time_zone)
    made = []
    for (
        at,
        *place,
        purpose,
        attempt,
        task_attempt,
        state,
        corrected,
        raw,
        billable,
    ) in rows.values_list(
        "submitted_at",
        *PLACE,
        "assignment__purpose",
        "assignment__attempt",
        "task__attempt",
        "task__state",
        _corrected(),
        "raw_seconds",
        "billable_seconds",
    ):
        outcome = outcome_of(
            purpose=purpose or Purpose.LABEL,
            attempt=attempt,
            task_attempt=task_attempt,
            state=state,
            submitted_at=at,
            now=now,
        )
        what = QUALIFICATION if purpose == Purpose.QUALIFICATION else ANSWER
        day = at.astimezone(here).date()
        item = int(not corrected)
        outcome = outcome if item else COUNTS
        made.append((at, day, what, *place, item, outcome, raw, billable))
    return made


def _reviews(annotator: Annotator, period: Period) -> list[tuple[Any, ...]]:
    # Not by `scoped`: reviews are the house's, but who did one knows that they did.
    rows = between(Review.objects.filter(reviewer=annotator), "decided_at", period, annotator)
    here = zone(annotator.time_zone)
    return [
        (at, at.astimezone(here).date(), REVIEW, *place, 1, COUNTS, raw, billable)
        for at, *place, raw, billable in rows.values_list(
            "decided_at", *PLACE, "raw_seconds", "billable_seconds"
        )
    ]


def _adjudications(annotator: Annotator, period: Period) -> list[tuple[Any, ...]]:
    rows = between(
        Adjudication.objects.filter(assignment__annotator=annotator),
        "decided_at",
        period,
        annotator,
    )
    here = zone(annotator.time_zone)
    made = []
    for row in rows.select_related("task__project", "task__task_type", "assignment"):
        if row.decided_at is None or row.assignment is None:
            continue
        began = row.assignment.started_at or row.assignment.reserved_at
        billed = derive(
            TIME_RULE,
            Reading(
                raw=row.raw_seconds,
                held=(row.decided_at - began).total_seconds(),
                effort=row.assignment.effort_seconds,
            ),
        )
        made.append(
            (
                row.decided_at,
                row.decided_at.astimezone(here).date(),
                ADJUDICATION,
                row.task.project.name,
                row.task.project.public_id,
                row.task.task_type.name,
                1,
                COUNTS,
                row.raw_seconds,
                billed.billable,
            )
        )
    return made


def with_pay(table: pd.DataFrame, annotator: Annotator) -> pd.DataFrame:
    """Return the table with what each row is worth, in micro-units of the pool's currency.

    Own staff only: the billable time at the hourly cost that stood then. Rounded by running
    difference, so that the rows add up to the sum of the whole.
    """
    rates = _rates(annotator)
    if not rates:
        return table
    exact, booked, made, at = 0.0, 0, [], 0
    for moment, seconds in zip(table["at"], table["billable"], strict=True):
        while at + 1 < len(rates) and rates[at + 1][0] <= moment:
            at += 1
        exact += 0.0 if pd.isna(seconds) else float(seconds) * rates[at][1] / 3600
        whole = math.floor(exact + 0.5)  # half up, as all money
        made.append(whole - booked)
        booked = whole
    return table.assign(pay=pd.Series(made, index=table.index, dtype="int64"))


def _rates(annotator: Annotator) -> list[tuple[datetime, int]]:
    """Return since when which hourly cost stands, the earliest first; [] where there is none."""
    if annotator.pool.kind != PoolKind.IN_HOUSE or annotator.hourly_cost_micro is None:
        return []
    history = annotator.history.order_by("history_date", "history_id")
    rows = history.values_list("history_date", "hourly_cost_micro")
    found = [(since, micro) for since, micro in rows if micro is not None]
    return found or [(annotator.created_at, annotator.hourly_cost_micro)]


def by_day(table: pd.DataFrame) -> pd.DataFrame:
    """Return items, outcomes, seconds and pay by day, project, type and kind of work.

    The latest day first.
    """
    for outcome in (ACCEPTED, WAITING, ANEW, TAKEN_BACK):
        column = outcome.replace(" ", "_")
        table = table.assign(**{column: (table["outcome"] == outcome).astype("int64")})
    sums = [*SUMS, *(["pay"] if "pay" in table else [])]
    grouped = table.groupby(BY, sort=False, as_index=False)[sums].sum()
    return grouped.sort_values(
        BY, ascending=[name != "day" for name in BY], kind="stable", ignore_index=True
    )


def total(table: pd.DataFrame, columns: Sequence[str] = SUMS) -> dict[str, Any]:
    """Return the sums of a table by day."""
    names = [*columns, *(["pay"] if "pay" in table else [])]
    return {name: table[name].sum().item() if len(table) else 0 for name in names}


def by_week(days: pd.DataFrame) -> list[tuple[date, pd.DataFrame]]:
    """Return a table by day cut into weeks, by the Monday of each; the latest first."""
    mondays = [day - timedelta(days=day.weekday()) for day in days["day"]]
    return [
        (monday, days[[at == monday for at in mondays]])
        for monday in sorted(set(mondays), reverse=True)
    ]
