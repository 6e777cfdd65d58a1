"""Work, the policies that place it, and what was decided."""

from routing.models.assignments import Assignment, AssignmentStep
from routing.models.catalogue import Domain, GuidelineVersion, Project, TaskType
from routing.models.facts import FactsVersion
from routing.models.policies import EffortEstimate, Policy
from routing.models.pushes import Push, PushLine, PushStep
from routing.models.runs import Decision, Placement, Run, RunCrew, RunProject, RunRecord
from routing.models.tasks import Task, TaskStep

__all__ = [
    "Assignment",
    "AssignmentStep",
    "Decision",
    "Domain",
    "EffortEstimate",
    "FactsVersion",
    "GuidelineVersion",
    "Placement",
    "Policy",
    "Project",
    "Push",
    "PushLine",
    "PushStep",
    "Run",
    "RunCrew",
    "RunProject",
    "RunRecord",
    "Task",
    "TaskStep",
    "TaskType",
]
