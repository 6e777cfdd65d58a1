"""What an audit's reviews found: the lot accepted or rejected with its bounds, and what follows."""

from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Count, F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from accounts.permissions import require
from accounts.services.job_kinds import Progress
from accounts.services.jobs import start_job
from accounts.services.users import system_user
from audit.services.events import record_event
from common.words import said
from quality.choices import AlarmKind, LabelBy, LotState, ReviewOutcome, ReviewState
from quality.core.sampling_draw import places
from quality.core.sampling_strata import wrong_units_of_strata
from quality.models import AuditItem, AuditLot, Label, Review
from quality.services.alarms import Subject, open_alarm, watcher
from quality.services.auditing import (
    BANDS,
    MANAGE,
    add_items,
    cancel_audit,
    drawn_by,
    frame_of,
    lot_labels,
)
from quality.services.rightness import Value, is_right, value_of
from quality.services.verdicts import Verdict, carry_out, rework_accepted
from routing.models import Task

AUDITOR = "system.audit"
FOUND_WRONG = gettext_noop("found wrong by an audit")
LOT_REJECTED = gettext_noop("its lot was rejected by an audit")
DECIDE, REWORK = "audit.decide", "audit.rework"
REWORKED_AT_ONCE = 1_000
GONE = gettext_noop("all labels of the sample were taken back")


def item_reviewed(review: Review, task: Task, *, acting_user: User, now: datetime) -> None:
    """Note what a review found of a label of a sample, and put the label right.

    Part of the transaction of the review. When it was the last one, the lot is decided after the
    commit.
    """
    item = (
        AuditItem.objects.select_for_update(of=("self",))
        .select_related("label", "lot")
        .filter(review=review)
        .first()
    )
    if item is None or item.wrong is not None:
        return
    item.wrong = found_wrong(review, item.label, task)
    item.save(update_fields=["wrong"])
    by: dict[str, Any] = {"acting_user": acting_user, "now": now}
    in_force = item.label.ended_at is None and item.label.attempt == task.attempt
    if in_force and review.outcome == ReviewOutcome.FIX:
        verdict = Verdict(Value(review.answer, review.label), LabelBy.REVIEW, review=review)
        carry_out(task, verdict, reason=FOUND_WRONG, **by)
    elif in_force and review.outcome == ReviewOutcome.REJECT:
        carry_out(task, None, reason=FOUND_WRONG, **by)
    if item.lot.state == LotState.DRAWN and not outstanding(item.lot):
        start_job(
            DECIDE,
            {"lot": str(item.lot.public_id)},
            acting_user=system_user(AUDITOR),
            now=now,
        )


def found_wrong(review: Review, label: Label, task: Task) -> bool:
    """Tell whether a review found a label wrong: a correction within the threshold is none."""
    if review.outcome == ReviewOutcome.ACCEPT:
        return False
    if review.answer is None:
        return True
    return not is_right(task.task_type, Value(review.answer, review.label), value_of(label))


def outstanding(lot: AuditLot) -> int:
    """Return how many labels of a sample are still to be reviewed."""
    waiting = (ReviewState.PENDING, ReviewState.TAKEN)
    return AuditItem.objects.filter(lot=lot, review__state__in=waiting).count()


@transaction.atomic
def decide_audit(lot: AuditLot, *, acting_user: User, now: datetime) -> AuditLot:
    """Accept or reject a lot whose sample is reviewed; others are left as they are.

    Labels that were taken back before anybody reviewed them are replaced by the next that the seed
    draws in their stratum: the lot waits for these.
    """
    require(acting_user, MANAGE)
    row = AuditLot.objects.select_for_update(of=("self",)).select_related("project").get(pk=lot.pk)
    if row.state != LotState.DRAWN or outstanding(row):
        return row
    if _replace_void(row, now=now):
        return row
    found = dict(
        AuditItem.objects.filter(lot=row, wrong__isnull=False)
        .values_list("stratum")
        .annotate(n=Count("pk"))
        .order_by()
    )
    if not found:
        return cancel_audit(row, reason=_(GONE), acting_user=acting_user, now=now)
    row.wrong = AuditItem.objects.filter(lot=row, wrong=True).count()
    lots = np.array([lot_size for lot_size, _drawn in row.strata.values()])
    sizes = np.array([found.get(band, 0) for band in row.strata])
    row.fewest, row.most = wrong_units_of_strata(lots, sizes, row.wrong, level=row.confidence)
    row.state = LotState.ACCEPTED if row.wrong <= row.accept else LotState.REJECTED
    row.decided_at = now
    row.save(update_fields=["wrong", "fewest", "most", "state", "decided_at"])
    record_event(
        f"audit.{row.state}",
        acting_user=acting_user,
        now=now,
        subject="audit",
        subject_id=row.public_id,
        wrong=row.wrong,
        size=int(sizes.sum()),
        accept=row.accept,
        fewest=row.fewest,
        most=row.most,
    )
    if row.state == LotState.REJECTED:
        _rejected(row, now)
    return row


def _rejected(lot: AuditLot, now: datetime) -> None:
    open_alarm(
        AlarmKind.AUDIT,
        Subject(project=lot.project_id, task_type=lot.task_type_id, name=str(lot.public_id)),
        text=said(
            "%(wrong)s of %(size)s labels are wrong, at most %(accept)s are accepted",
            wrong=lot.wrong,
            size=lot.size,
            accept=lot.accept,
        ),
        details={"fewest": lot.fewest, "most": lot.most, "labels": lot.labels},
        acting_user=watcher(),
        now=now,
    )
    start_job(REWORK, {"lot": str(lot.public_id)}, acting_user=system_user(AUDITOR), now=now)


def _replace_void(lot: AuditLot, *, now: datetime) -> int:
    """Draw others for labels whose review was called off; returns how many."""
    items = list(lot.items.values_list("label_id", "wrong", "stratum", "probability"))
    lost = [(stratum, p) for _label, wrong, stratum, p in items if wrong is None]
    missing = lot.size - (len(items) - len(lost))
    if missing <= 0:
        return 0
    rows = lot_labels(lot.project_id, lot.task_type_id, lot.since, lot.until, lot.created_at)
    frame = frame_of(rows)
    strata = drawn_by(frame, lot.size)
    there = set(rows.filter(ended_at__isnull=True).values_list("pk", flat=True))
    there -= {label for label, *_rest in items}
    order = np.argsort(places(strata, seed=lot.seed), kind="stable").tolist()
    units, chances = [], []
    # The last ones lost: earlier ones have been replaced.
    for stratum, chance in lost[-missing:]:
        alike = (
            unit
            for unit in order
            if int(frame.label[unit]) in there
            and (BANDS[int(frame.stratum[unit])] == stratum or not strata.any())
        )
        unit = next(alike, None)
        if unit is not None:
            there.discard(int(frame.label[unit]))
            units.append(unit)
            chances.append(chance)
    if units:
        add_items(lot, frame, np.array(units), chances, now=now)
    return len(units)


def rework_lot(
    lot: AuditLot, *, tell: Progress | None = None, acting_user: User, now: datetime
) -> int:
    """Have the tasks of a rejected lot worked anew; returns how many were.

    Those whose label a reviewer of the sample found right, or put right, stay accepted; so do
    those whose label was replaced since. Begun again it goes on where it was.
    """
    require(acting_user, MANAGE)
    if lot.state != LotState.REJECTED:
        return 0
    rows = lot_labels(lot.project_id, lot.task_type_id, lot.since, lot.until, lot.created_at)
    seen = AuditItem.objects.filter(lot=lot, wrong=False).values("label_id")
    tasks = list(
        rows.filter(ended_at__isnull=True)
        .exclude(pk__in=seen)
        .order_by("task_id")
        .values_list("task_id", flat=True)
    )
    done = 0
    for start in range(0, len(tasks), REWORKED_AT_ONCE):
        part = tasks[start : start + REWORKED_AT_ONCE]
        with transaction.atomic():
            reopened = rework_accepted(
                lot.project_id, part, reason=LOT_REJECTED, acting_user=acting_user, now=now
            )
            AuditLot.objects.filter(pk=lot.pk).update(reworked=F("reworked") + reopened)
            done += reopened
            if tell is not None:
                tell("reworking", start + len(part), len(tasks))
    return done


def decide_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Decide a lot as a job."""
    lot = decide_audit(AuditLot.objects.get(public_id=arguments["lot"]), acting_user=user, now=now)
    return {"state": lot.state, "wrong": lot.wrong}


def rework_job(
    arguments: dict[str, Any], user: User, now: datetime, progress: Progress
) -> dict[str, Any]:
    """Rework a rejected lot as a job."""
    lot = AuditLot.objects.get(public_id=arguments["lot"])
    return {"tasks": rework_lot(lot, tell=progress, acting_user=user, now=now)}
