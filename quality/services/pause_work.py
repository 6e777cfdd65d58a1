"""What a pause does to work: leases end, and answers that are in doubt are queued for a check."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import User
from accounts.permissions import require
from audit.services.events import digest_of, record_event
from quality.choices import ReviewState, ReviewWhy
from quality.models import Judgment, PauseProposal, Review
from routing.choices import Purpose, TaskState
from routing.models import Assignment
from routing.services.pausing import end_work_of, who_holds_work_and_does_not_work
from workforce.models import Annotator

BATCH = 1_000
# A task that still wants answers is settled by them; what is decided is looked at again.
LOOKED_AT = (TaskState.ANSWERED, TaskState.ACCEPTED)


def end_work(annotator: Annotator, *, acting_user: User, now: datetime) -> list[Assignment]:
    """End the leases of an annotator; quality reviews in their hands wait for somebody else."""
    with transaction.atomic():
        ended = end_work_of(annotator, acting_user=acting_user, now=now)
        Review.objects.filter(state=ReviewState.TAKEN, assignment__in=ended).update(
            state=ReviewState.PENDING, assignment=None, reviewer=None
        )
    return ended


def end_work_of_paused(*, acting_user: User, now: datetime) -> int:
    """End the leases of all who are paused or have left, whoever paused them; returns how many."""
    require(acting_user, "annotators.pause")
    people = who_holds_work_and_does_not_work(now)
    return sum(len(end_work(person, acting_user=acting_user, now=now)) for person in people)


def in_doubt(proposal: PauseProposal) -> QuerySet[Judgment]:
    """Return the answers since the last good evidence that nobody has looked at, oldest first.

    The last answer to each task only, of work (gold tells by itself), where the task is answered or
    accepted.
    """
    looked_at = Review.objects.filter(judgment=OuterRef("pk")).exclude(state=ReviewState.CANCELLED)
    later = Judgment.objects.filter(
        task=OuterRef("task"), annotator=OuterRef("annotator"), attempt__gt=OuterRef("attempt")
    )
    rows = Judgment.objects.filter(
        annotator=proposal.annotator_id,
        task__task_type__skill=proposal.skill_id,
        assignment__purpose=Purpose.LABEL,
        task__state__in=LOOKED_AT,
    )
    if proposal.good_at is not None:
        rows = rows.filter(submitted_at__gt=proposal.good_at)
    return rows.filter(~Exists(looked_at), ~Exists(later)).order_by("submitted_at", "pk")


def queue_checks(proposal: PauseProposal, *, acting_user: User, now: datetime) -> int:
    """Queue a quality review of every answer in doubt; twice queues nothing twice.

    All of them are looked at (probability 1); they are no random draw from the annotator's work, so
    they count for the labels and not as they are for accuracy.
    """
    with transaction.atomic():
        found = list(in_doubt(proposal).values_list("pk", "task_id", "public_id"))
        for start in range(0, len(found), BATCH):
            Review.objects.bulk_create(
                Review(
                    task_id=task,
                    judgment_id=judgment,
                    why=ReviewWhy.EVIDENCE,
                    probability=1.0,
                    created_at=now,
                )
                for judgment, task, _public_id in found[start : start + BATCH]
            )
        if found:
            proposal.checks += len(found)
            proposal.save(update_fields=["checks"])
            record_event(
                "pause.checks_queued",
                acting_user=acting_user,
                now=now,
                subject="pause",
                subject_id=proposal.public_id,
                count=len(found),
                digest=digest_of(public_id for _judgment, _task, public_id in found),
            )
    return len(found)
