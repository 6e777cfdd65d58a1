"""What the page of a push shows: figures, people with their load, tasks of one of them."""

from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import time_format
from django.utils.translation import gettext as _

from routing.choices import PushState, PushWhy
from routing.core.gates import GATES
from routing.models import Push, PushLine
from workforce.models import Annotator

SHOWN = 100  # tasks of a page
NOBODY = "none"


def why_words(why: str, gate: int) -> str:
    """Return why a task goes to nobody, the shut gate by its name."""
    if not why:
        return ""
    return _(str(GATES[gate][0])) if gate else str(PushWhy(why).label)


def push_context(request: HttpRequest, push: Push) -> dict[str, Any]:
    """Return what the page of a push shows."""
    if push.state == PushState.PLANNING:
        return {"push": push, "planning": True}
    sums = push.lines.aggregate(
        all=Count("pk"),
        given=Count("pk", filter=Q(annotator__isnull=False, why="")),
        seconds=Sum("effort_seconds", filter=Q(why=""), default=0.0),
        cost=Sum("cost", filter=Q(why=""), default=0.0),
        left=Sum("leaving", filter=Q(annotator__isnull=True), default=0.0),
        edited=Count("pk", filter=Q(edited=True)),
    )
    people = _people(push)
    hours = sum(row["hours"] for row in people)
    load = sums["seconds"] / 3600
    chosen = request.GET.get("person", "")
    return {
        "push": push,
        "given": sums["given"],
        "left_over": sums["all"] - sums["given"],
        "edited": sums["edited"],
        "hours": f"{load:,.1f} / {hours:,.1f}",
        "load": f"{load / hours:.0%}" if hours else "–",
        "cost": f"{sums['cost']:,.2f} {push.currency}",
        "gap": _gap(push, sums),
        # A pool may have hundreds who are not there that day.
        "people": [row for row in people if row["hours"] or row["tasks"]],
        "away": sum(1 for row in people if not (row["hours"] or row["tasks"])),
        "reasons": _reasons(push),
        "chosen": chosen,
        **_tasks(request, push, chosen, people),
    }


def _gap(push: Push, sums: dict[str, Any]) -> str:
    """Return how far the plan as it stands is from the least possible cost at most."""
    if push.lower_bound is None or not sums["all"]:
        return "–"
    apart = max(sums["cost"] + sums["left"] - push.lower_bound, 0.0)
    return f"{apart / sums['cost']:.1%}" if sums["cost"] > 0 else "–"


def _people(push: Push) -> list[dict[str, Any]]:
    """Return the people who were asked, with what the plan gives each, the fullest first."""
    rows = (
        push.lines.filter(annotator__isnull=False, why="")
        .values_list("annotator_id")
        .annotate(n=Count("pk"), seconds=Sum("effort_seconds"), cost=Sum("cost"))
        .order_by()
    )
    given = {pk: (n, seconds / 3600, cost) for pk, n, seconds, cost in rows}
    ids = [row["annotator"] for row in push.people]
    names = Annotator.objects.only("name", "public_id").in_bulk(ids)
    found = []
    for row in push.people:
        person = names.get(row["annotator"])
        if person is None:
            continue
        n, load, cost = given.get(person.pk, (0, 0.0, 0.0))
        until = parse_datetime(row["until"]) if row["until"] else None
        found.append(
            {
                "pk": person.pk,
                "name": person.name,
                "key": str(person.public_id),
                "hours": row["hours"],
                "shown_hours": f"{row['hours']:.2f}",
                "busy": f"{row['busy']:.2f}",
                "until": "" if until is None else time_format(timezone.localtime(until), "H:i"),
                "tasks": n,
                "load": f"{load:.2f}",
                "share": load / row["hours"] if row["hours"] else 0.0,
                "percent": f"{load / row['hours']:.0%}" if row["hours"] else "–",
                "cost": f"{cost:,.2f}",
            }
        )
    return sorted(found, key=lambda row: (-row["share"], -row["hours"], row["name"]))


def _reasons(push: Push) -> list[dict[str, Any]]:
    """Return why tasks go to nobody, the most frequent first."""
    rows = push.lines.exclude(why="").values_list("why", "gate").annotate(n=Count("pk")).order_by()
    found = [{"words": why_words(why, gate), "n": n} for why, gate, n in rows]
    return sorted(found, key=lambda row: (-row["n"], row["words"]))


def _tasks(
    request: HttpRequest, push: Push, chosen: str, people: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the tasks of the person that the address names, or those that go to nobody."""
    lines = push.lines.select_related("task__project", "task__task_type", "annotator", "assignment")
    who = next((row for row in people if row["key"] == chosen), None)
    if who is not None:
        lines = lines.filter(annotator=who["pk"], why="")
    elif chosen == NOBODY:
        lines = lines.exclude(why="")
    else:
        return {}
    page = Paginator(lines.order_by("rank"), SHOWN).get_page(request.GET.get("p"))
    return {"who": who, "page": page, "lines": [_line(row) for row in page]}


def _line(row: PushLine) -> dict[str, Any]:
    return {
        "row": row,
        "minutes": f"{row.effort_seconds / 60:.1f}" if row.annotator_id else "–",
        "cost": f"{row.cost:,.2f}" if row.annotator_id else "–",
        "why": why_words(row.why, row.gate),
        "state": "" if row.assignment is None else row.assignment.get_state_display(),
    }
