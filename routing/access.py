"""By which path the rows of routing belong to an organisation."""

from uuid import UUID

from accounts.access import access
from accounts.models import User
from common.access import HOUSE_ONLY, Path
from routing.models import (
    Assignment,
    AssignmentStep,
    Decision,
    Domain,
    EffortEstimate,
    FactsVersion,
    GuidelineVersion,
    Placement,
    Policy,
    Project,
    Push,
    PushLine,
    PushStep,
    Run,
    RunCrew,
    RunProject,
    RunRecord,
    Task,
    TaskStep,
    TaskType,
)

ACCESS = {
    Assignment: Path("annotator__organisation_id", own="annotator__user_id"),
    # The house's work and how it divides it: projects name error costs and shut-out vendors, tasks
    # their risk, decisions the crews and prices of every vendor. Who works on a task reaches it by
    # the assignment.
    Project: HOUSE_ONLY,
    GuidelineVersion: HOUSE_ONLY,
    TaskType: HOUSE_ONLY,
    Domain: HOUSE_ONLY,
    EffortEstimate: HOUSE_ONLY,
    Task: HOUSE_ONLY,
    TaskStep: HOUSE_ONLY,
    AssignmentStep: HOUSE_ONLY,
    Policy: HOUSE_ONLY,
    Run: HOUSE_ONLY,
    RunProject: HOUSE_ONLY,
    RunCrew: HOUSE_ONLY,
    RunRecord: HOUSE_ONLY,
    Decision: HOUSE_ONLY,
    Placement: HOUSE_ONLY,
    FactsVersion: HOUSE_ONLY,
    # What each person costs the house, and who else was considered.
    Push: HOUSE_ONLY,
    PushLine: HOUSE_ONLY,
    PushStep: HOUSE_ONLY,
}


def access_assignment(user: User, public_id: UUID | str) -> Assignment:
    """Return an assignment that the user may see, or raise NotFound."""
    return access(Assignment.objects.all(), user, public_id)


def access_project(user: User, public_id: UUID | str) -> Project:
    """Return a project that the user may see, or raise NotFound."""
    return access(Project.objects.all(), user, public_id)


def access_task(user: User, public_id: UUID | str) -> Task:
    """Return a task that the user may see, or raise NotFound."""
    return access(Task.objects.all(), user, public_id)


def access_run(user: User, public_id: UUID | str) -> Run:
    """Return a run that the user may see, or raise NotFound."""
    return access(Run.objects.all(), user, public_id)


def access_push(user: User, public_id: UUID | str) -> Push:
    """Return a push that the user may see, or raise NotFound."""
    return access(Push.objects.all(), user, public_id)
