"""Errors by segment of the work: is some of it answered worse than the rest.

Segments are what stood before the work was done. Checked answers only (gold and random reviews),
one per task; every segment of every kind is one of a family of tests.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import CharField, F, Value
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from audit.services.events import record_event
from common.errors import Invalid, NotFound
from common.words import said
from quality.choices import AlarmKind, SegmentKind
from quality.core.bias import adjust, by_segment
from quality.models import BiasReport, BiasSegment, Judgment
from quality.services.alarms import Subject, open_alarm, watcher
from quality.services.evidence import Evidence, Ints, read_evidence
from routing.models import Project, TaskType

CHECK = "bias.check"
JOB = "bias"
METHOD = "holm"
WINDOW = timedelta(days=365)
EVERY = timedelta(days=7)
BATCH = 5_000
# Where a segment is read from, from a judgment; empty words are a segment of their own.
PATHS = {
    SegmentKind.LANGUAGE: "task__language",
    SegmentKind.DATA_CLASS: "task__data_class",
    SegmentKind.RESIDENCY: "task__residency",
    SegmentKind.DOMAIN: "task__domain__key",
    SegmentKind.SOURCE: "task__source",
    SegmentKind.EDGE_CASE: "task__edge_case",
    SegmentKind.GUIDELINE: "guideline__number",
    SegmentKind.POOL: "annotator__pool__key",
}


def check_bias(
    project: Project,
    task_type: TaskType,
    *,
    acting_user: User,
    now: datetime,
    report: Progress | None = None,
) -> BiasReport:
    """Compare the errors of all segments of a task type's checked answers, and keep it.

    What stands as of `now` is returned as it is. A segment that stands out opens an alarm.

    Raises
    ------
    Invalid
        If nothing has been checked yet.
    """
    require(acting_user, CHECK)
    rows = BiasReport.objects.filter(project=project, task_type=task_type, as_of=now)
    if (held := rows.first()) is not None:
        return held
    evidence = read_evidence(
        now, since=now - WINDOW, task__project=project, task__task_type=task_type
    ).one_per_task()
    if not len(evidence):
        raise Invalid(
            _("Nothing of %(project)s has been checked yet.") % {"project": project.key},
            field="project",
            rule="evidence",
        )
    segments = _segments(evidence)
    try:
        with transaction.atomic():
            made = BiasReport.objects.create(
                project=project,
                task_type=task_type,
                as_of=now,
                method=METHOD,
                alpha=settings.BIAS_ALPHA,
                answers=len(evidence),
                wrong=int(evidence.wrong.sum()),
                made_by=acting_user,
            )
            for segment in segments:
                segment.report = made
            BiasSegment.objects.bulk_create(segments, batch_size=500)
            worse = [segment for segment in segments if segment.worse]
            record_event(
                "bias.checked",
                acting_user=acting_user,
                now=now,
                subject="project",
                subject_id=project.public_id,
                task_type=task_type.key,
                report=str(made.public_id),
                answers=made.answers,
                segments=len(segments),
                worse=len(worse),
            )
            for segment in worse:
                _raise(made, segment, now)
            if report is not None:
                report("compared", len(segments), len(segments))
    except IntegrityError:
        if (held := rows.first()) is None:
            raise
        return held  # somebody else checked as of the same time
    return made


def check_everything(*, acting_user: User, now: datetime) -> int:
    """Check what has checked answers and was not checked for a week; returns how many.

    A task type of a project counts as one.
    """
    require(acting_user, CHECK)
    evidence = read_evidence(now, since=now - WINDOW)
    lately = BiasReport.objects.filter(as_of__gt=now - EVERY, as_of__lte=now).order_by()
    done = set(lately.values_list("project_id", "task_type_id"))
    pairs = set(zip(evidence.project.tolist(), evidence.task_type.tolist(), strict=True)) - done
    for project, task_type in sorted(pairs):
        check_bias(
            Project.objects.get(pk=project),
            TaskType.objects.get(pk=task_type),
            acting_user=acting_user,
            now=now,
        )
    return len(pairs)


def bias_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Check as a job; arguments: keys of a project and a task type.

    Raises
    ------
    NotFound
        If there is no such project or task type.
    """
    project = Project.objects.filter(key=arguments["project"]).first()
    task_type = TaskType.objects.filter(key=arguments["task_type"]).first()
    if project is None or task_type is None:
        raise NotFound(what=_("project") if project is None else _("task type"))
    made = check_bias(project, task_type, acting_user=user, now=now, report=progress)
    return {"report": str(made.public_id), "worse": made.segments.filter(worse=True).count()}


def _segments(evidence: Evidence) -> list[BiasSegment]:
    """Return all segments of kinds that part the answers, unsaved; their tests are one family."""
    parts = []
    for kind, words, code in _parted(evidence.judgment):
        if len(words) > 1:
            parts.append((kind, words, by_segment(evidence.wrong, code, method=METHOD)))
    if not parts:
        return []
    adjusted = adjust(np.concatenate([found.p_value for _k, _w, found in parts]), method=METHOD)
    made, start = [], 0
    for kind, words, found in parts:
        own = adjusted[start : start + len(found.segment)]
        start += len(found.segment)
        for row, segment in enumerate(found.segment.tolist()):
            difference = float(found.difference[row])
            made.append(
                BiasSegment(
                    kind=kind,
                    segment=words[segment],
                    answers=int(found.n[row]),
                    wrong=int(found.wrong[row]),
                    rate=float(found.rate[row]),
                    lower=float(found.lower[row]),
                    upper=float(found.upper[row]),
                    difference=None if np.isnan(difference) else difference,
                    p_value=float(found.p_value[row]),
                    adjusted=float(own[row]),
                    worse=bool(own[row] <= settings.BIAS_ALPHA and difference > 0),
                )
            )
    return made


def _parted(judgments: Ints) -> Iterator[tuple[str, list[str], Ints]]:
    """Yield each kind with its segments' names and the segment of each answer."""
    names = {f"segment_{kind}": path for kind, path in PATHS.items()}
    columns = {
        name: Coalesce(Cast(F(path), CharField()), Value("")) for name, path in names.items()
    }
    found: dict[int, tuple[str, ...]] = {}
    ids = judgments.tolist()
    for start in range(0, len(ids), BATCH):
        rows = Judgment.objects.filter(pk__in=ids[start : start + BATCH]).annotate(**columns)
        for pk, *values in rows.values_list("pk", *names):
            found[pk] = tuple(values)
    for place, kind in enumerate(PATHS):
        mine = [found[pk][place] for pk in ids]
        words = sorted(set(mine))
        number = {word: n for n, word in enumerate(words)}
        yield str(kind), words, np.array([number[word] for word in mine], dtype=np.int64)


def _raise(report: BiasReport, segment: BiasSegment, now: datetime) -> None:
    open_alarm(
        AlarmKind.BIAS,
        Subject(
            project=report.project_id,
            task_type=report.task_type_id,
            name=f"{segment.kind} {segment.segment}".strip(),
        ),
        text=said(
            "%(wrong)s of %(n)s checked answers were wrong there, %(rate)s; elsewhere %(others)s",
            wrong=segment.wrong,
            n=segment.answers,
            rate=f"{segment.rate:.1%}",
            others=f"{segment.rate - (segment.difference or 0.0):.1%}",
        ),
        details={
            "wrong": segment.wrong,
            "answers": segment.answers,
            "from": segment.lower,
            "to": segment.upper,
            "p, adjusted": segment.adjusted,
            "report": str(report.public_id),
        },
        # Whoever checks: the house watches.
        acting_user=watcher(),
        now=now,
    )
