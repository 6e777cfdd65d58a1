"""Building the demo once, routing it, and telling who may sign in."""

from collections.abc import Callable
from datetime import UTC, datetime, time

from django.conf import settings
from django.db import transaction

from accounts.services.users import system_user
from common.errors import Conflict
from common.time import local_date, zone
from console.demo.people import DOMAIN, LOGINS, PASSWORD, make_people
from console.demo.work import make_projects, make_real
from routing.models import Project, Run
from routing.services.figures import RunReport
from routing.services.reports import stored_report
from routing.services.run import route

DAYS = 3
KEYS = ("street-scenes", "claims-desk", "dog", "duck")


def build(now: datetime, tell: Callable[[str], None]) -> RunReport:
    """Build the demo where it is not there yet, route it once, and return the run's report.

    Raises
    ------
    Conflict
        In production, or where projects stand that the demo did not make.
    """
    if settings.PRODUCTION:
        raise Conflict("The demo is not built in MODE=production.")
    if Project.objects.filter(is_demo=False).exists():
        raise Conflict("This database holds real projects; the demo is built in an empty one.")
    # All is dated by this morning, so that the hour of the day makes no other operation.
    zone_of = zone(settings.OPERATION_TIME_ZONE)
    today = local_date(now, settings.OPERATION_TIME_ZONE)
    morning = datetime.combine(today, time(6), zone_of).astimezone(UTC)
    if not Project.objects.filter(is_demo=True).exists():
        with transaction.atomic():
            tell("people, vendors and prices")
            staff = make_people(morning, today)
            tell("projects and tasks")
            make_projects(staff, morning)
            tell("real answers, and the accuracies measured from them")
            make_real(staff, morning)
    run = Run.objects.filter(state="done").order_by("started_at").first()
    if run is not None:
        return stored_report(run)
    tell("routing")
    return route(
        project_keys=list(KEYS),
        days=DAYS,
        acting_user=system_user("system.routing"),
        now=morning,
    )


def logins() -> list[tuple[str, str, str]]:
    """Return (role, e-mail, password) of the demo's users."""
    return [(str(role.label), f"{name}@{DOMAIN}", PASSWORD) for name, _title, role in LOGINS]
