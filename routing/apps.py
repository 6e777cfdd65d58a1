from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import User
    from accounts.services.job_kinds import Progress


def route_job(
    arguments: dict[str, Any], user: "User", now: datetime, progress: "Progress"
) -> dict[str, Any]:
    """Run `route` as a job; arguments are its keywords."""
    from routing.services.run import route

    return route(**arguments, acting_user=user, now=now, report=progress).as_json()


def push_jobs() -> None:
    """Register the jobs of pushes that are large."""
    from accounts.services.job_kinds import register_job
    from routing.services import push_commit, push_steps, push_undo, pushing

    for kind, handler in (
        (push_steps.PLAN_JOB, pushing.plan_job),
        (push_steps.COMMIT_JOB, push_commit.commit_job),
        (push_steps.UNDO_JOB, push_undo.undo_job),
    ):
        register_job(kind, handler, permission=push_steps.MANAGE)


class RoutingConfig(AppConfig):
    name = "routing"

    def ready(self) -> None:
        from django.core import checks

        from accounts.services.job_kinds import register_job
        from common.access import register_access
        from common.routines import register_routine
        from common.triggers import register
        from routing.access import ACCESS
        from routing.checks import check_answer_schemas
        from routing.routines import CLAIM
        from routing.triggers import RULES

        register(*RULES)
        register_routine(CLAIM)
        checks.register(check_answer_schemas, checks.Tags.database)
        register_job("route", route_job, permission="routing.run")
        push_jobs()
        register_access(ACCESS)
