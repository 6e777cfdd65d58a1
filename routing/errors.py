"""What routing refuses, and why."""

from django.utils.translation import gettext_lazy as _

from common.errors import AppError, Conflict, Invalid, NotFound


class RunBusy(Conflict):
    """Another run holds a pool that this one needs."""

    code = "run_busy"
    text = _("Pool {pool} is being routed by {who} since {since}; try again when that run is done.")


class CurrencyMixed(Invalid):
    """Pools or projects of one run are priced in different currencies."""

    code = "currency_mixed"


class NothingPublished(Invalid):
    """A project has no published policy."""

    code = "policy_missing"


class RunFailed(AppError):
    """A run stopped before it was done; the old placements are still in force."""

    code = "run_failed"
    status = 500
    text = _("The run failed: {reason}. The placements before it are still in force.")


class InUse(Conflict):
    """A record that others stand on cannot be taken away."""

    code = "in_use"
    text = _("{what} is in use.")


class NotYours(NotFound):
    """An assignment of somebody else looks like none at all."""

    def __init__(self) -> None:
        super().__init__(what=str(_("assignment")))


class NotLive(Conflict):
    """The assignment is over: submitted, skipped, expired, released or withdrawn."""

    code = "assignment_over"
    text = _("This task is not in hand any more: {state}.")


class SeatGone(Conflict):
    """The lease ran out and the task went to others, or is answered, cancelled or worked anew."""

    code = "seat_gone"
    text = _("The lease ran out, and the task is not free any more.")


class TaskTaken(Conflict):
    """The human being has or had this task, or another holds it."""

    code = "task_taken"
    text = _("This person has or had this task.")


class NoSeat(Conflict):
    """No seat of the task is free."""

    code = "no_seat"
    text = _("No seat of task {task} is free.")


class NotEligible(Conflict):
    """A gate is shut for this annotator."""

    code = "not_eligible"
    text = _("{annotator} cannot have task {task}: {gate}.")


class LimitReached(Conflict):
    """Tasks in hand, answers a day, harmful content or a rate limit: no more for now."""

    code = "limit_reached"
    status = 429
    text = _("The limit is reached: {limit}.")


class WrongState(Conflict):
    """The state of a task does not allow the step."""

    code = "wrong_state"
    text = _("Task {task} is {state}.")


class PushBusy(Conflict):
    """Another push of the pool and day is open."""

    code = "push_busy"
    text = _("A push of {pool} for {day} is open already: commit or discard it first.")


class PushOver(Conflict):
    """The push is in no state for the step."""

    code = "push_over"
    text = _("This push is {state}.")


class PushRefused(Conflict):
    """Not everything of a push passes any more, and all of it or nothing was asked for."""

    code = "push_refused"
    text = _("Nothing was given: {passed} of {lines} tasks do not pass any more ({reasons}).")


class PushBegun(Conflict):
    """Somebody has begun work that a push gave."""

    code = "push_begun"
    text = _("{begun} of its tasks are begun or answered: it cannot be undone as a whole any more.")
