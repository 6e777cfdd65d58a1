"""Sampling plans of audits: those of the standard, tightened after rejections, and own ones."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from common.errors import Conflict, Invalid
from quality.choices import LotPlan, LotState
from quality.core.sampling import search_plan
from quality.core.sampling_plans import AQLS, LEVELS, single_plan
from quality.core.sampling_switching import STOPPED, Severity, after_lot, resume
from quality.models import AuditLot
from routing.models import Project, TaskType


@dataclass(frozen=True)
class StandardPlan:
    """ISO 2859-1: AQL in percent, inspection level I to III."""

    aql: float = 1.0
    level: str = "II"


@dataclass(frozen=True)
class OwnPlan:
    """The smallest plan that keeps both risks: shares of wrong labels, chances."""

    acceptable: float
    limiting: float
    producer_risk: float = 0.05
    consumer_risk: float = 0.1


def plan_values(
    plan: StandardPlan | OwnPlan,
    project: Project,
    task_type: TaskType | None,
    labels: int,
    *,
    resume_reason: str = "",
) -> dict[str, Any]:
    """Return the columns of a lot of so many labels that tell its plan.

    Raises
    ------
    Invalid
        Naming the part of the plan that is none.
    Conflict
        If inspection has been stopped and nobody resumes it.
    """
    if isinstance(plan, OwnPlan):
        return _own(labels, plan)
    return _standard(project, task_type, labels, plan, resume_reason)


def severity_now(project: Project, task_type: TaskType | None, aql: float) -> Severity:
    """Return how the next lot of a stream is inspected, from the lots before it.

    A stream is the lots of a project and task type under one AQL; lots that were submitted again
    and cancelled ones do not count.
    """
    now = Severity()
    lots = AuditLot.objects.filter(
        project=project,
        task_type=task_type,
        plan=LotPlan.STANDARD,
        aql=aql,
        state__in=(LotState.ACCEPTED, LotState.REJECTED),
    ).order_by("decided_at", "pk")
    for state, again, resumed in lots.values_list("state", "resubmission_of", "resume_reason"):
        if resumed and now.stage == STOPPED:
            now = resume(now)
        if now.stage != STOPPED:
            now = after_lot(now, accepted=state == LotState.ACCEPTED, resubmitted=again is not None)
    return now


def _standard(
    project: Project,
    task_type: TaskType | None,
    labels: int,
    plan: StandardPlan,
    resume_reason: str,
) -> dict[str, Any]:
    if plan.aql not in AQLS:
        raise Invalid(
            _("An AQL is one of %(listed)s percent.") % {"listed": ", ".join(map(str, AQLS))},
            field="aql",
            rule="known",
        )
    if plan.level not in LEVELS:
        raise Invalid(_("A level is I, II or III."), field="level", rule="known")
    now = severity_now(project, task_type, plan.aql)
    resume_reason = resume_reason.strip()
    if now.stage == STOPPED:
        if not resume_reason:
            raise Conflict(
                _(
                    "Inspection has been stopped: five lots were rejected since it was tightened. "
                    "Say what was done about the cause to resume it."
                )
            )
        now = resume(now)
    found = single_plan(labels, plan.aql, level=plan.level, severity=now.stage)
    return {
        "plan": LotPlan.STANDARD,
        "aql": plan.aql,
        "level": plan.level,
        "severity": now.stage,
        "letter": found.letter,
        "size": found.size,
        "accept": found.accept,
        "resume_reason": resume_reason[:300],
    }


def _own(labels: int, plan: OwnPlan) -> dict[str, Any]:
    try:
        found = search_plan(
            labels,
            acceptable=plan.acceptable,
            limiting=plan.limiting,
            producer_risk=plan.producer_risk,
            consumer_risk=plan.consumer_risk,
        )
    except ValueError as error:
        raise Invalid(str(error), field=str(error).split(" ", 1)[0], rule="plan") from error
    return {
        "plan": LotPlan.OWN,
        "acceptable": plan.acceptable,
        "limiting": plan.limiting,
        "producer_risk": plan.producer_risk,
        "consumer_risk": plan.consumer_risk,
        "size": found.size,
        "accept": found.accept,
    }
