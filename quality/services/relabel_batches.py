"""What applying and undoing a relabelling share: beginning, batches, events."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.job_kinds import Progress
from audit.services.events import digest_of, record_event
from common.errors import Conflict, NotFound
from quality.choices import RELABEL_TRANSITIONS, RelabelState
from quality.models import Relabel, RelabelStep, RelabelTask
from quality.services.steps import Course, take_step
from routing.models import Task
from routing.services.reopening import Was

MANAGE = "relabel.manage"
COURSE = Course(RelabelStep, "relabel", RELABEL_TRANSITIONS)
BATCH = 500


def relabel_of(arguments: dict[str, Any]) -> Relabel:
    """Return the relabelling whose public id is a job's argument.

    Raises
    ------
    NotFound
        If there is none.
    """
    found = Relabel.objects.filter(public_id=arguments["relabel"]).first()
    if found is None:
        raise NotFound(what=_("relabelling"))
    return found


def begin(relabel: Relabel, to_state: str, *, acting_user: User, now: datetime) -> None:
    """Take the first step of work on a project's tasks: one relabelling at a time.

    Raises
    ------
    Conflict
        If another one is under way, or the state does not allow it.
    """
    under_way = Relabel.objects.filter(
        project=relabel.project_id, state__in=(RelabelState.APPLYING, RelabelState.UNDOING)
    )
    if under_way.exists():
        raise Conflict(_("Another relabelling of the project is under way."))
    take_step(relabel, to_state, COURSE, acting_user=acting_user, now=now)


def in_batches(
    to_do: QuerySet[RelabelTask],
    work: Callable[[Sequence[RelabelTask]], None],
    report: Progress | None,
    step: str,
) -> None:
    """Work through what is to do, from where it stands; each batch is a transaction."""
    total = to_do.count()
    done = 0
    while True:
        with transaction.atomic():
            rows = list(to_do.order_by("task_id")[:BATCH])
            if not rows:
                return
            work(rows)
            done += len(rows)
            if report is not None:
                report(step, done, total)


def reason_of(relabel: Relabel) -> str:
    """Return the reason that steps of tasks tell."""
    return f"guideline version {relabel.to_version.number}"


def record_batch(
    relabel: Relabel, kind: str, tasks: Mapping[int, Was], *, acting_user: User, now: datetime
) -> None:
    """Write the event of a batch of tasks."""
    if not tasks:
        return
    public = Task.objects.filter(pk__in=list(tasks)).values_list("public_id", flat=True)
    record_event(
        kind,
        acting_user=acting_user,
        now=now,
        subject="relabel",
        subject_id=relabel.public_id,
        count=len(tasks),
        digest=digest_of(public),
    )


def record(relabel: Relabel, what: str, *, acting_user: User, now: datetime, **data: Any) -> None:
    """Write the event of a relabelling."""
    record_event(
        f"relabel.{what}",
        acting_user=acting_user,
        now=now,
        subject="relabel",
        subject_id=relabel.public_id,
        version=str(relabel.to_version.public_id),
        **data,
    )
