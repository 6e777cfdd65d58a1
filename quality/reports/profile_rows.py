"""The rows behind the numbers of a profile: which answers, of which tasks, with what outcome."""

import pandas as pd
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from accounts.models import User
from accounts.permissions import require
from common.errors import NotFound
from common.time import local_date
from quality.choices import ErrorCategory, ReviewOutcome, ReviewWhy, Severity
from quality.models import Judgment, Review
from quality.reports.profile_checks import reviews_of
from quality.reports.ratings import VIEW
from quality.reports.spans import Span
from quality.services.fate import with_fate
from quality.services.truths import gold_in_force
from routing.choices import Purpose
from workforce.models import Annotator

COLUMNS = (
    "task_id",
    "task",
    "project",
    "task_type",
    "at",
    "label",
    "seconds",
    "rule",
    "faults",
    "outcome",
)
# What can be opened: name → (title, permission beside VIEW)
KINDS = {
    "answers": (_l("Answers to work"), "judgments.view"),
    "accepted": (_l("Accepted answers"), "judgments.view"),
    "rejected": (_l("Rejected answers"), "judgments.view"),
    "undecided": (_l("Answers that are not decided yet"), "judgments.view"),
    "faulted": (_l("Answers whose time is not trusted"), "judgments.view"),
    "gold": (_l("Answers to gold"), "gold.view"),
    "reviews": (_l("Quality reviews"), "reviews.view"),
}


def profile_rows(
    annotator: Annotator,
    span: Span,
    kind: str,
    *,
    acting_user: User,
    day: int | None = None,
    task_type: str = "",
    why: str = "",
    category: str = "",
    severity: str = "",
) -> pd.DataFrame:
    """Return COLUMNS of what stands behind a number, newest first.

    Parameters
    ----------
    kind : of KINDS
    day : ordinal of one day of the operation's zone (answers)
    task_type : its key; why, category, severity : of reviews; empty = all

    Raises
    ------
    NotFound
        If there is no such kind.
    """
    require(acting_user, VIEW)
    if kind not in KINDS:
        raise NotFound(what=_("table"))
    require(acting_user, KINDS[kind][1])
    if kind == "reviews":
        return _reviews(annotator, span, task_type, why, category, severity)
    return _answers(annotator, span, kind, day, task_type)


def _answers(
    annotator: Annotator, span: Span, kind: str, day: int | None, task_type: str
) -> pd.DataFrame:
    rows = Judgment.objects.filter(
        annotator=annotator, submitted_at__gte=span.since, submitted_at__lte=span.until
    )
    if span.skill is not None:
        rows = rows.filter(task__task_type__skill=span.skill)
    if task_type:
        rows = rows.filter(task__task_type__key=task_type)
    if kind == "gold":
        rows = rows.filter(task__in=gold_in_force(span.until).values("task"))
    else:
        rows = rows.filter(assignment__purpose=Purpose.LABEL)
    # Corrections say what was answered in the end; the seconds of all stand with it.
    last: dict[int, tuple[object, ...]] = {}
    for held, pk, *values in (
        with_fate(rows, span.until)
        .order_by("assignment_id", "attempt", "pk")
        .values_list(
            "assignment_id",
            "pk",
            "task_id",
            "task__external_id",
            "task__project__name",
            "task__task_type__name",
            "submitted_at",
            "label",
            "billable_seconds",
            "time_rule",
            "time_faults",
            "was_accepted",
            "was_rejected",
        )
    ):
        *shown, seconds, rule, faults, accepted, rejected = values
        key = -pk if held is None else held
        before = last.get(key)
        codes = [fault["code"] for fault in faults]
        if before is not None:
            seconds = _sum(before[6], seconds)
            codes = [*str(before[8]).split(", "), *codes] if before[8] else codes
        outcome = _("accepted") if accepted else _("rejected") if rejected else _("not decided")
        last[key] = (*shown, seconds, rule, ", ".join(codes), outcome)
    table = pd.DataFrame(list(last.values()), columns=list(COLUMNS))
    table = table.loc[_wanted(table, kind, day)]
    return table.sort_values(["at", "task_id"], ascending=False, ignore_index=True)


def _sum(one: object, other: float | None) -> float | None:
    known = [value for value in (one, other) if isinstance(value, int | float)]
    return sum(known) if known else None


def _wanted(table: pd.DataFrame, kind: str, day: int | None) -> pd.Series:
    """Return which rows are of the kind and day."""
    keep = pd.Series(True, index=table.index)
    if kind in ("accepted", "rejected", "undecided"):
        word = {
            "accepted": _("accepted"),
            "rejected": _("rejected"),
            "undecided": _("not decided"),
        }[kind]
        keep &= table["outcome"] == word
    if kind == "faulted":
        seconds = pd.to_numeric(table["seconds"])
        keep &= (table["faults"] != "") | seconds.isna() | (seconds <= 0)
    if day is not None:
        zone = settings.OPERATION_TIME_ZONE
        keep &= pd.Series(
            [local_date(at, zone).toordinal() == day for at in table["at"]],
            index=table.index,
            dtype=bool,
        )
    return keep


def _reviews(
    annotator: Annotator, span: Span, task_type: str, why: str, category: str, severity: str
) -> pd.DataFrame:
    rows = Review.objects.filter(reviews_of(annotator, span))
    asked = {
        "task__task_type__key": task_type,
        "why": why,
        "category": category,
        "severity": severity,
    }
    rows = rows.filter(**{name: value for name, value in asked.items() if value})
    found = [
        (*shown, "", "", _told(why, outcome, category, severity))
        for *shown, why, outcome, category, severity in rows.order_by(
            "-decided_at", "-pk"
        ).values_list(
            "task_id",
            "task__external_id",
            "task__project__name",
            "task__task_type__name",
            "decided_at",
            "judgment__label",
            "billable_seconds",
            "why",
            "outcome",
            "category",
            "severity",
        )
    ]
    return pd.DataFrame(found, columns=list(COLUMNS))


def _told(why: str, outcome: str, category: str, severity: str) -> str:
    words = [str(ReviewOutcome(outcome).label), str(ReviewWhy(why).label)]
    if category:
        words += [str(ErrorCategory(category).label), str(Severity(severity).label)]
    return " · ".join(words)
