"""Measuring agreement, keeping it, and raising an alarm where it is below the floor."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from audit.services.events import record_event
from common.bulk import insert_rows
from common.errors import Invalid, NotFound
from common.words import listed, said
from quality.choices import AgreementMeasure, AlarmKind
from quality.core.agreement_bootstrap import Settings
from quality.core.agreement_measure import (
    Measured,
    measure_numbers,
    measure_parts,
    measure_words,
)
from quality.models import (
    Agreement,
    AgreementFigure,
    AgreementLabel,
    AgreementPair,
    Judgment,
)
from quality.services.agreement_reading import Answered, fields_of, read_answered
from quality.services.alarms import Subject, open_alarm, watcher
from routing.models import GuidelineVersion, Project, TaskType

MEASURE = "agreement.measure"
JOB = "agreement"
VERSION = "agreement 1"
SEED = 0
MOST_PAIRS = 20_000  # of annotators, kept of one field
KAPPAS = (AgreementMeasure.COHEN, AgreementMeasure.FLEISS)
NAMED = 3  # pairs of labels that an alarm names
WINDOW_DAYS = 90  # of the scheduled measurement
EVERY = timedelta(days=7)


def measure_agreement(
    project: Project,
    task_type: TaskType,
    *,
    since: datetime | None = None,
    acting_user: User,
    now: datetime,
    report: Progress | None = None,
) -> list[Agreement]:
    """Measure and keep the agreement on a task type of a project, and of each guideline version.

    What stands measured as of `now` is returned as it is. Reading and computing hold nothing; all
    is written at once.

    Raises
    ------
    Invalid
        If no task has two answers.
    """
    require(acting_user, MEASURE)
    held = _standing(project, task_type, now)
    if held:
        return held
    answered = read_answered(project, task_type, since=since, now=now)
    parts: list[tuple[int | None, Answered]] = [(None, answered)]
    parts += [(version, answered.under(version)) for version in answered.versions]
    found = []
    for number, (version, part) in enumerate(parts):
        if report is not None:
            report("measuring", number, len(parts))
        measured = _measured(part, task_type)
        if any(figure.units for fields in measured.values() for figure in fields.figures):
            found.append((version, part, measured))
    if not found:
        raise Invalid(
            _("No task of %(project)s has two answers yet.") % {"project": project.key},
            field="project",
            rule="answers",
        )
    try:
        with transaction.atomic():
            rows = [
                _keep(project, task_type, *one, since, acting_user=acting_user, now=now)
                for one in found
            ]
            record_event(
                "agreement.measured",
                acting_user=acting_user,
                now=now,
                subject="project",
                subject_id=project.public_id,
                task_type=task_type.key,
                measurements=[str(row.public_id) for row in rows],
                tasks=rows[0].tasks,
                answers=rows[0].answers,
            )
            _raise_alarms(rows, [one[2] for one in found], now)
            if report is not None:
                report("measured", len(parts), len(parts))
    except IntegrityError:
        held = _standing(project, task_type, now)
        if not held:
            raise
        return held  # somebody else measured as of the same time
    return rows


def measure_everything(*, acting_user: User, now: datetime) -> int:
    """Measure whatever got answers in the last WINDOW_DAYS and was not measured for a week.

    Returns how many types of projects were measured.
    """
    require(acting_user, MEASURE)
    since = now - timedelta(days=WINDOW_DAYS)
    given = Judgment.objects.filter(submitted_at__gte=since, submitted_at__lte=now).order_by()
    blocks = set(given.values_list("task__project_id", "task__task_type_id").distinct())
    lately = Agreement.objects.filter(as_of__gt=now - EVERY, as_of__lte=now).order_by()
    blocks -= set(lately.values_list("project_id", "task_type_id"))
    done = 0
    for project, task_type in sorted(blocks):
        try:
            measure_agreement(
                Project.objects.get(pk=project),
                TaskType.objects.get(pk=task_type),
                since=since,
                acting_user=acting_user,
                now=now,
            )
        except Invalid:
            continue  # one answer to each task: there is nothing to compare
        done += 1
    return done


def agreement_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Measure as a job; arguments: keys of a project and a task type, and days back (None = all).

    Raises
    ------
    NotFound
        If there is no such project or task type.
    """
    project = Project.objects.filter(key=arguments["project"]).first()
    task_type = TaskType.objects.filter(key=arguments["task_type"]).first()
    if project is None or task_type is None:
        raise NotFound(what=_("project") if project is None else _("task type"))
    days = arguments.get("days")
    since = None if days is None else now - timedelta(days=days)
    rows = measure_agreement(
        project, task_type, since=since, acting_user=user, now=now, report=progress
    )
    return {"agreement": str(rows[0].public_id), "measurements": len(rows)}


def _standing(project: Project, task_type: TaskType, now: datetime) -> list[Agreement]:
    rows = Agreement.objects.filter(project=project, task_type=task_type, as_of=now)
    return sorted(rows, key=lambda row: row.guideline_id or 0)


def _measured(answered: Answered, task_type: TaskType) -> dict[str, Measured]:
    draws = Settings(seed=SEED)
    found: dict[str, Measured] = {}
    for name, kind, given in fields_of(answered, task_type):
        if kind == "words":
            found[name] = measure_words(given, draws)
        elif kind == "numbers":
            found[name] = measure_numbers(given, draws)
        else:
            found[name] = measure_parts(str(task_type.metric), given, draws)
    return found


def _keep(
    project: Project,
    task_type: TaskType,
    version: int | None,
    answered: Answered,
    measured: Mapping[str, Measured],
    since: datetime | None,
    *,
    acting_user: User,
    now: datetime,
) -> Agreement:
    several = _several(answered)
    row = Agreement.objects.create(
        project=project,
        task_type=task_type,
        guideline_id=version,
        since=since,
        as_of=now,
        version=VERSION,
        tasks=len({task for task, _who in several}),
        answers=len(several),
        annotators=len({who for _task, who in several}),
        pairs_left_out=sum(max(len(one.pairs) - MOST_PAIRS, 0) for one in measured.values()),
        confused={
            name: [*map(list, one.confused)] for name, one in measured.items() if one.confused
        },
        measured_by=acting_user,
    )
    for name, one in measured.items():
        _keep_field(row, name, one)
    return row


def _several(answered: Answered) -> list[tuple[int, int]]:
    """Return task and annotator of the answers to tasks that have two or more."""
    many: dict[int, int] = {}
    for task, *_rest in answered.rows:
        many[task] = many.get(task, 0) + 1
    return [(row[0], row[1]) for row in answered.rows if many[row[0]] > 1]


def _keep_field(row: Agreement, name: str, measured: Measured) -> None:
    insert_rows(
        [
            AgreementFigure(
                agreement=row,
                field=name,
                measure=one.measure,
                value=one.value,
                lower=one.interval.lower if one.interval else None,
                upper=one.interval.upper if one.interval else None,
                units=one.units,
                answers=one.answers,
            )
            for one in measured.figures
        ]
    )
    pairs = sorted(measured.pairs, key=lambda pair: (-pair.units, pair.first, pair.second))
    insert_rows(
        [
            AgreementPair(
                agreement=row,
                field=name,
                first_id=pair.first,
                second_id=pair.second,
                units=pair.units,
                observed=pair.observed,
                kappa=pair.kappa,
                lower=pair.lower,
                upper=pair.upper,
            )
            for pair in pairs[:MOST_PAIRS]
        ]
    )
    insert_rows(
        [
            AgreementLabel(
                agreement=row,
                field=name,
                label=one.label,
                answers=one.answers,
                alike=one.agreement,
                alpha=one.alpha,
                lower=one.lower,
                upper=one.upper,
            )
            for one in measured.labels
        ]
    )


def _raise_alarms(
    rows: Sequence[Agreement], measured: Sequence[Mapping[str, Measured]], now: datetime
) -> None:
    """Open an alarm for what is below the floor: of each version, or of all where there is none."""
    for row, fields in zip(rows, measured, strict=True):
        if row.guideline_id is None and len(rows) > 1:
            continue  # its versions tell more
        for name, one in fields.items():
            kappa = one.kappa
            if (
                kappa is None
                or kappa.value is None
                or kappa.value >= settings.AGREEMENT_FLOOR
                or kappa.units < settings.AGREEMENT_LEAST_TASKS
            ):
                continue
            _raise_alarm(row, name, one, now)


def _raise_alarm(row: Agreement, name: str, measured: Measured, now: datetime) -> None:
    kappa = measured.kappa
    if kappa is None or kappa.value is None:
        return
    confused = [
        said("%(one)s and %(other)s", one=one[:60], other=other[:60])
        for one, other, _pairs, _share in measured.confused[:NAMED]
    ]
    values = {
        "measure": "κ" if kappa.measure in KAPPAS else "α",
        "value": f"{kappa.value:.2f}",
        "floor": f"{settings.AGREEMENT_FLOOR:.2f}",
    }
    if confused:
        text = said(
            "%(measure)s is %(value)s, below %(floor)s; confused most: %(labels)s",
            **values,
            labels=listed(confused),
        )
    else:
        text = said("%(measure)s is %(value)s, below %(floor)s", **values)
    version: GuidelineVersion | None = row.guideline
    open_alarm(
        AlarmKind.AGREEMENT,
        Subject(
            project=row.project_id,
            task_type=row.task_type_id,
            guideline=None if version is None else version.pk,
            name=name,
        ),
        text=text,
        details={
            "value": kappa.value,
            "from": kappa.interval.lower if kappa.interval else None,
            "to": kappa.interval.upper if kappa.interval else None,
            "tasks": kappa.units,
            "confused": [
                {"labels": f"{one} – {other}", "share": share}
                for one, other, _pairs, share in measured.confused[:NAMED]
            ],
            "agreement": str(row.public_id),
        },
        # Whoever measures: the house watches.
        acting_user=watcher(),
        now=now,
    )
