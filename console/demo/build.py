"""Building the demo once, routing it, living its week, and telling who may sign in."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.services.users import system_user
from common.errors import Conflict
from common.time import local_date
from console.demo.past import make_past
from console.demo.people import make_people
from console.demo.staff import DOMAIN, LOGINS, PASSWORD
from console.demo.week import (
    AHEAD,
    USUAL,
    Delivery,
    first_day,
    live,
    morning_of,
    plan_week,
    projects,
)
from console.demo.work import REAL, deliver, make_projects, make_real
from routing.models import Project, Run
from routing.services.figures import RunReport
from routing.services.reports import stored_report
from routing.services.run import route

# Without a week all of the work is there on the first morning.
ALL = (3_600, 2_400)


def build(
    now: datetime,
    tell: Callable[[str], None],
    *,
    week: bool = True,
    plan: Sequence[Delivery] = USUAL,
    real: Sequence[str] = REAL,
) -> RunReport:
    """Build the demo where it is not there yet, route it, and return the first run's report.

    With a week it begins as many days before today, and the days up to this morning are lived.

    Parameters
    ----------
    plan : what comes in on which mornings; real : the sets of real answers that are taken in

    Raises
    ------
    Conflict
        In production, or where projects stand that the demo did not make.
    """
    if settings.PRODUCTION:
        raise Conflict("The demo is not built in MODE=production.")
    if Project.objects.filter(is_demo=False).exists():
        raise Conflict("This database holds real projects; the demo is built in an empty one.")
    # All is dated by mornings, so that the hour of the day makes no other operation.
    day = local_date(now, settings.OPERATION_TIME_ZONE)
    if week:
        day -= timedelta(days=plan[-1].day)
    morning = morning_of(day)
    if not Project.objects.filter(is_demo=True).exists():
        with transaction.atomic():
            tell("people, vendors and prices")
            staff = make_people(morning, day)
            tell("projects and tasks")
            make_projects(staff, morning)
            tell("answers given before, and the accuracies measured from them")
            make_past(staff, morning)
            deliver(plan[0].counts if week else ALL, staff, morning)
            make_real(staff, morning, real)
            if week:
                plan_week(morning)
    begins = first_day()
    if begins is None:
        return _first_run(morning, tell)
    tell("a week of work")
    live(begins, tell, plan=plan)
    return _first_run(morning, tell)


def _first_run(morning: datetime, tell: Callable[[str], None]) -> RunReport:
    """Return the report of the first run, which is made where there is none."""
    run = Run.objects.filter(state="done").order_by("started_at").first()
    if run is not None:
        return stored_report(run)
    tell("routing")
    return route(
        project_keys=projects(),
        days=AHEAD,
        acting_user=system_user("system.routing"),
        now=morning,
    )


def logins() -> list[tuple[str, str, str]]:
    """Return (role, e-mail, password) of the demo's users."""
    return [(str(role.label), f"{name}@{DOMAIN}", PASSWORD) for name, _title, role in LOGINS]
