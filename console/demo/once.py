"""What happens once in the demo's week: a newcomer's test, audits, a guideline change.

By the services behind the pages. Each is part of a morning or an evening that is done once.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from accounts.models import User
from accounts.services.users import system_user
from console.demo.answering import Person, Work, answer, seconds
from console.demo.past import planted
from console.demo.people import VENDORS
from console.demo.staff import Staff
from console.demo.truth import DESK_ONTOLOGY
from quality.choices import LotState
from quality.models import AuditLot
from quality.services.audit_plans import StandardPlan
from quality.services.audit_results import decide_audit, rework_lot
from quality.services.auditing import draw_audit
from quality.services.qualification_sets import add_tasks, free_gold, make_set, put_in_force
from quality.services.qualifying import next_task, start_try
from quality.services.relabel_query import Query
from quality.services.relabelling import apply_relabel, list_relabel
from quality.services.submitting import submit
from routing.models import GuidelineVersion, Project
from routing.services.projects import add_guideline
from workforce.models import Annotator, Pool, Skill
from workforce.services import availability, people

NEWCOMER = "Nia Adeyemi"
EMPLOYER = "lakeside"
TESTED = "image-classification"
ASKED, KEPT = 20, 40  # tasks of one try, and of the set, which lets two be taken
LEVELS = {"2": 0.6, "3": 0.75, "4": 0.9}
# project → AQL in percent: the crowd behind the real answers misses what a desk can keep.
AUDITED = {"claims-desk": 6.5, "duck": 1.0}
REDEFINED = "letter"  # this label of this kind of work means something else from then on
REDONE = "document-classification"


def newcomer(who: Staff, work: Mapping[int, Work], now: datetime) -> Counter[str]:
    """Let a vendor's new annotator sit a test, which verifies the level that it gives."""
    by = {"acting_user": who.operations, "now": now}
    skill = Skill.objects.get(key=TESTED)
    pool = Pool.objects.get(key=EMPLOYER)
    team = next(one for one in VENDORS if one.key == EMPLOYER)
    number = Annotator.objects.filter(pool=pool).count()
    joined = people.create_annotator(
        pool,
        name=NEWCOMER,
        email=f"{NEWCOMER.lower().replace(' ', '.')}@{EMPLOYER}.example",
        languages=list(team.languages),
        residency=team.country,
        clearance=team.clearance,
        time_zone=team.zone,
        **by,  # type: ignore[arg-type]
    )
    people.verify_facts(joined, **by)  # type: ignore[arg-type]
    availability.set_week(
        joined,
        list(range(5)),
        starts=time(team.shift[0]),
        ends=time(team.shift[1]),
        valid_from=now.date(),
        **by,  # type: ignore[arg-type]
    )
    _set_up(skill, who.quality, now)
    demo = system_user("system.demo")
    tried = start_try(joined, skill, acting_user=demo, now=now)
    person, at = planted(joined, EMPLOYER, number), now
    for _number in range(tried.asked):
        given = next_task(tried, acting_user=demo, now=at)
        if given is None:
            break
        at = _answered(given, person, work[given.task_id], demo, at)
    tried.refresh_from_db()
    return Counter({f"qualifications {tried.state}": 1})


def _set_up(skill: Skill, lead: User, now: datetime) -> None:
    asked = make_set(
        skill=skill,
        name="Street scenes: what is seen",
        levels=LEVELS,
        size=ASKED,
        acting_user=lead,
        now=now,
    )
    tasks = free_gold(asked).filter(project__key="street-scenes").select_related("task_type")
    add_tasks(asked, list(tasks[:KEPT]), acting_user=lead, now=now)
    put_in_force(asked, acting_user=lead, now=now)


def _answered(given: Any, person: Person, work: Work, by: User, now: datetime) -> datetime:
    """Answer one task of a test; returns when."""
    took = seconds(person, work)
    at = now + timedelta(seconds=took)
    said = answer(person, work, at)
    submit(given, answer=said, raw_seconds=took, source="platform", acting_user=by, now=at)
    return at


def draw_audits(who: Staff, since: datetime, now: datetime) -> Counter[str]:
    """Draw a sample of the labels of the week so far; own staff reviews it by day."""
    for key, aql in AUDITED.items():
        draw_audit(
            Project.objects.get(key=key),
            since=since,
            until=now,
            plan=StandardPlan(aql=aql),
            acting_user=who.quality,
            now=now,
        )
    return Counter({"audits drawn": len(AUDITED)})


def settle_audits(who: Staff, now: datetime) -> Counter[str]:
    """Decide the lots whose sample is reviewed, and have the rejected ones worked anew."""
    done: Counter[str] = Counter()
    by: dict[str, Any] = {"acting_user": who.quality, "now": now}
    for lot in AuditLot.objects.filter(state=LotState.DRAWN).order_by("pk"):
        decided = decide_audit(lot, **by)
        if decided.state == LotState.REJECTED:
            done["lots reworked"] += 1
            done["labels of rejected lots"] += rework_lot(decided, **by)
        if decided.state != LotState.DRAWN:
            done[f"lots {decided.state}"] += 1
    return done


def change_guideline(who: Staff, since: datetime, now: datetime) -> Counter[str]:
    """Say anew what one label means, and reopen exactly the tasks that carry it."""
    project = Project.objects.get(key="claims-desk")
    old = GuidelineVersion.objects.filter(project=project).latest("number")
    new = add_guideline(
        project,
        content="How claims desk are labelled. Version two: an e-mail is no letter.",
        ontology=DESK_ONTOLOGY,
        effective_from=now,
        change_note="An e-mail is no letter.",
        acting_user=who.operations,
        now=now,
    )
    query = Query(difference=False, labels=(REDEFINED,), since=since, task_types=(REDONE,))
    by: dict[str, Any] = {"acting_user": who.quality, "now": now}
    applied = apply_relabel(list_relabel(old, new, query=query, **by), **by)
    return Counter({"relabelled": applied.reopened})
