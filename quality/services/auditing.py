"""Statistical audits: a lot of accepted labels, its plan, and the sample drawn of it.

Plans are those of ISO 2859-1, tightened after rejections and stopped until a person resumes, or the
smallest with the risks asked for. The draw hangs on the labels' public ids, their bands of risk and
a kept seed only; the seed is made here, after the work was handed in: nobody chooses a sample.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from common.errors import Conflict, Invalid
from common.time import local_date
from quality.choices import LotState, ReviewState, ReviewWhy
from quality.core.arguments import Ints
from quality.core.sampling import limiting_units
from quality.core.sampling_draw import Draw, draw
from quality.models import AuditItem, AuditLot, Label, Review
from quality.services.audit_plans import OwnPlan, StandardPlan, plan_values
from quality.services.effort import scored_parts
from routing.choices import Band
from routing.core.urgency import day_range
from routing.models import Project, TaskType
from workforce.models import Pool

MANAGE = "audits.manage"
BANDS = tuple(Band.values)
BATCH = 2_000
SEEDS = 1 << 31


@dataclass(frozen=True)
class Frame:
    """The labels of a lot in the order in which they are drawn from; (N,) each.

    stratum : 0 to 3, band of risk
    """

    label: Ints
    task: Ints
    public: tuple[str, ...]
    stratum: Ints

    def __len__(self) -> int:
        return len(self.label)


def lot_labels(
    project_id: int,
    task_type_id: int | None,
    since: datetime,
    until: datetime,
    at: datetime,
) -> QuerySet[Label]:
    """Return the labels accepted in [since, until) that were in force at a time."""
    rows = Label.objects.filter(
        Q(ended_at__isnull=True) | Q(ended_at__gt=at),
        task__project=project_id,
        accepted_at__gte=since,
        accepted_at__lt=until,
        accepted_at__lte=at,
    )
    return rows if task_type_id is None else rows.filter(task__task_type=task_type_id)


def frame_of(rows: QuerySet[Label]) -> Frame:
    """Return the labels as they are drawn from: by public id, with the risk of their tasks."""
    found = list(rows.order_by("public_id").values_list("pk", "task_id", "public_id"))
    # Databases order ids by their own rules: their text is the same everywhere.
    found.sort(key=lambda row: str(row[2]))
    tasks = np.array([row[1] for row in found], dtype=np.int64)
    ids, place = np.unique(tasks, return_inverse=True)
    bands = [scored.scores.risk_band for _columns, _types, scored in scored_parts(ids)]
    risk = np.concatenate(bands)[place] if bands else np.zeros(0, dtype=np.int64)
    return Frame(
        label=np.array([row[0] for row in found], dtype=np.int64),
        task=tasks,
        public=tuple(str(row[2]) for row in found),
        stratum=risk.astype(np.int64),
    )


@transaction.atomic
def draw_audit(
    project: Project,
    *,
    since: datetime,
    until: datetime,
    task_type: TaskType | None = None,
    plan: StandardPlan | OwnPlan,
    pool: Pool | None = None,
    resubmission_of: AuditLot | None = None,
    resume_reason: str = "",
    acting_user: User,
    now: datetime,
) -> AuditLot:
    """Draw the sample of a lot and queue its reviews.

    Parameters
    ----------
    since, until : half-open time in which the labels were accepted
    pool : whose people review; None = anybody of the house who may
    resume_reason : what was done about the cause, where inspection has been stopped

    Raises
    ------
    Invalid
        If the time or plan is none, or the lot has fewer than two labels.
    Conflict
        If the same lot is being audited, or inspection has been stopped and nobody resumes it.
    """
    require(acting_user, MANAGE)
    Project.objects.select_for_update(of=("self",)).get(pk=project.pk)
    frame = _frame(project, task_type, since, until, now)
    values = plan_values(plan, project, task_type, len(frame), resume_reason=resume_reason)
    seed = secrets.randbelow(SEEDS)
    drawn = sample(frame, values["size"], seed)
    lot = AuditLot.objects.create(
        project=project,
        task_type=task_type,
        since=since,
        until=until,
        labels=len(frame),
        digest=digest_of(frame.public),
        limiting_units=limiting_units(len(frame), values["size"], values["accept"]),
        seed=seed,
        strata=_strata(frame, drawn),
        pool=pool,
        resubmission_of=resubmission_of,
        created_by=acting_user,
        created_at=now,
        **values,
    )
    add_items(lot, frame, drawn.units, drawn.probability, now=now)
    record_event(
        "audit.drawn",
        acting_user=acting_user,
        now=now,
        subject="audit",
        subject_id=lot.public_id,
        labels=lot.labels,
        digest=lot.digest,
        size=lot.size,
        accept=lot.accept,
        seed=lot.seed,
    )
    return lot


def _frame(
    project: Project, task_type: TaskType | None, since: datetime, until: datetime, now: datetime
) -> Frame:
    """Return the labels of a lot that may be audited now, or refuse it."""
    if not since < until or until > now:
        raise Invalid(
            _("A lot is work of a time that is over: from before until."),
            field="until",
            rule="time",
        )
    _check_alone(project, task_type, since, until)
    type_id = task_type.pk if task_type is not None else None
    frame = frame_of(lot_labels(project.pk, type_id, since, until, now))
    if len(frame) < 2:
        raise Invalid(
            _("Fewer than two labels were accepted in this time."), field="since", rule="size"
        )
    return frame


@dataclass(frozen=True)
class Preview:
    """What an audit would draw, before anything is.

    values : the columns of its plan; strata : by band of risk, labels and how many are drawn
    """

    labels: int
    values: dict[str, Any]
    strata: dict[str, list[int]]
    limiting_units: int | None


def preview_audit(
    project: Project,
    *,
    since: datetime,
    until: datetime,
    task_type: TaskType | None = None,
    plan: StandardPlan | OwnPlan,
    resume_reason: str = "",
    acting_user: User,
    now: datetime,
) -> Preview:
    """Return what `draw_audit` would draw of a lot as it is now, and refuse what it refuses.

    How many are drawn of each band does not hang on luck; which ones they are does.
    """
    require(acting_user, MANAGE)
    frame = _frame(project, task_type, since, until, now)
    values = plan_values(plan, project, task_type, len(frame), resume_reason=resume_reason)
    return Preview(
        labels=len(frame),
        values=values,
        strata=_strata(frame, sample(frame, values["size"], 0)),
        limiting_units=limiting_units(len(frame), values["size"], values["accept"]),
    )


def _check_alone(
    project: Project, task_type: TaskType | None, since: datetime, until: datetime
) -> None:
    under_way = AuditLot.objects.filter(
        project=project, state=LotState.DRAWN, since__lt=until, until__gt=since
    )
    if task_type is not None:
        under_way = under_way.filter(Q(task_type=task_type) | Q(task_type__isnull=True))
    if under_way.exists():
        raise Conflict(_("Labels of this time are being audited."))


def sample(frame: Frame, size: int, seed: int) -> Draw:
    """Draw a sample: stratified by risk, or simply where it is smaller than there are strata."""
    return draw(drawn_by(frame, size), size, seed=seed)


def drawn_by(frame: Frame, size: int) -> Ints:
    """Return the strata of a draw: the bands of risk, or one where the sample is too small."""
    if size < len(np.unique(frame.stratum)):
        return np.zeros_like(frame.stratum)
    return frame.stratum


def _strata(frame: Frame, drawn: Draw) -> dict[str, list[int]]:
    """Return the labels of each band of risk, and how many were drawn of them."""
    lots = np.bincount(frame.stratum, minlength=len(BANDS))
    sizes = np.bincount(frame.stratum[drawn.units], minlength=len(BANDS))
    return {
        band: [int(lot), int(size)]
        for band, lot, size in zip(BANDS, lots, sizes, strict=True)
        if lot
    }


def add_items(
    lot: AuditLot, frame: Frame, units: Ints, probability: Sequence[float] | Any, *, now: datetime
) -> None:
    """Queue the reviews of labels of a lot's sample; the caller's transaction and event."""
    labels = frame.label[units].tolist()
    numbers: dict[int, int] = {}
    for start in range(0, len(labels), BATCH):
        before = Review.objects.filter(accepted__in=labels[start : start + BATCH])
        numbers.update(
            before.exclude(state=ReviewState.CANCELLED)
            .values_list("accepted")
            .annotate(last=Max("number"))
        )
    today = local_date(now, settings.OPERATION_TIME_ZONE)
    urgency = day_range(today, today)[0]
    reviews = Review.objects.bulk_create(
        [
            Review(
                task_id=task,
                accepted_id=label,
                number=numbers.get(label, 0) + 1,
                why=ReviewWhy.AUDIT,
                probability=float(chance),
                pool=lot.pool,
                urgency=urgency,
                created_at=now,
            )
            for label, task, chance in zip(
                labels, frame.task[units].tolist(), probability, strict=True
            )
        ],
        batch_size=BATCH,
    )
    AuditItem.objects.bulk_create(
        [
            AuditItem(
                lot=lot,
                label_id=label,
                stratum=BANDS[stratum],
                probability=float(chance),
                review=review,
            )
            for label, stratum, chance, review in zip(
                labels, frame.stratum[units].tolist(), probability, reviews, strict=True
            )
        ],
        batch_size=BATCH,
    )


@transaction.atomic
def cancel_audit(lot: AuditLot, *, reason: str, acting_user: User, now: datetime) -> AuditLot:
    """Call an audit off; what was reviewed stays. Twice is once.

    Raises
    ------
    Invalid
        If no reason is given.
    Conflict
        If it is decided.
    """
    require(acting_user, MANAGE)
    if not reason.strip():
        raise Invalid(_("Say why."), field="reason", rule="required")
    row = AuditLot.objects.select_for_update(of=("self",)).get(pk=lot.pk)
    if row.state == LotState.CANCELLED:
        return row
    if row.state != LotState.DRAWN:
        raise Conflict(_("This audit is decided."))
    row.state, row.cancel_reason, row.decided_at = LotState.CANCELLED, reason.strip()[:300], now
    row.save(update_fields=["state", "cancel_reason", "decided_at"])
    Review.objects.filter(
        audit_item__lot=row, state__in=(ReviewState.PENDING, ReviewState.TAKEN)
    ).update(state=ReviewState.CANCELLED)
    record_event(
        "audit.cancelled",
        acting_user=acting_user,
        now=now,
        subject="audit",
        subject_id=row.public_id,
        note=reason.strip(),
    )
    return row


def draw_again(lot: AuditLot) -> list[str]:
    """Return the public ids of the labels that a lot's seed draws, for whoever checks the draw.

    Raises
    ------
    Conflict
        If the lot is not there as it was: its labels do not have the digest that was kept.
    """
    rows = lot_labels(lot.project_id, lot.task_type_id, lot.since, lot.until, lot.created_at)
    frame = frame_of(rows)
    if digest_of(frame.public) != lot.digest:
        raise Conflict(_("The labels of this lot are not those that were drawn from."))
    drawn = sample(frame, lot.size, lot.seed)
    return [frame.public[unit] for unit in drawn.units.tolist()]
