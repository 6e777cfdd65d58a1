"""Pauses: a test proposes, a hold lasts a day at most, persons decide and settle."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user, house
from audit.models import Event
from common.errors import Conflict, Forbidden, Invalid, NotFound
from quality.core.sprt import characteristic
from quality.models import Judgment, PauseProposal, PauseProposalStep, Review
from quality.services.alarms import watcher
from quality.services.pause_tests import pause_test, promises, propose_pauses
from quality.services.pause_work import queue_checks
from quality.services.pauses import (
    confirm_pause,
    contest_pause,
    decline_pause,
    end_holds,
    hold,
    settle_contest,
)
from quality.services.watching import make_round
from routing.models import Assignment, Placement, Task
from routing.services.assignments import submit_assignment
from routing.services.claiming import claim
from tests.conftest import NOW, World
from tests.quality.services.known import MINUTE, answers, people, usual
from workforce.models import Annotator
from workforce.services.people import change_status

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# Thirty right answers, then every second one is wrong.
BAD = [0] * 30 + [1, 0] * 8
TOLD = "Half of the checked answers since Monday were wrong."


def by(name: str | User, world: World, later: timedelta = timedelta(0)) -> dict[str, Any]:
    user = name if isinstance(name, User) else world.users[name]
    return {"acting_user": user, "now": NOW + later}


@pytest.fixture
def bad(world: World) -> Annotator:
    """One of the house who has become bad, with a login."""
    person, other = people()[:2]
    usual(0.95)
    answers(world, person, BAD)
    answers(world, other, [0] * 40 + [1])
    person.user = create_user(
        email="bad@house.example",
        name="bad",
        organisation=house(),
        roles=[Role.ANNOTATOR],
        **world.as_("admin"),
    )
    person.save(update_fields=["user"])
    return person


@pytest.fixture
def proposal(world: World, bad: Annotator) -> PauseProposal:
    (made,) = propose_pauses(**by("quality", world))
    return made


@pytest.fixture
def other_lead(world: World) -> User:
    return create_user(
        email="other.lead@house.example",
        name="other lead",
        organisation=house(),
        roles=[Role.QUALITY_LEAD],
        **world.as_("admin"),
    )


def status(annotator: Annotator) -> str:
    annotator.refresh_from_db()
    return annotator.status


def test_the_test_proposes_and_nobody_is_paused_by_it(proposal: PauseProposal) -> None:
    assert proposal.annotator.name == "own 0"
    assert (proposal.p0, proposal.state) == (0.05, "proposed")
    test = pause_test(0.05)
    assert promises(test)[0] == pytest.approx(characteristic(test, 0.05).pause[0])
    assert proposal.false_share == promises(test)[0] < 0.01
    assert proposal.run_length > 2_000
    # 0.01 and 0.1: a pause at ln(.9 / .01) = 4.50; odds of three are 1.0034 a wrong answer.
    assert proposal.ratio >= 4.4998
    # Twenty-five right ones clear; six errors against ten others lead to 5.07, five to 4.15.
    assert (proposal.answers, proposal.errors) == (16, 6)
    # The last of the thirty right answers was in order.
    rows = proposal.annotator.judgments.order_by("submitted_at")
    assert proposal.good_at == rows[29].submitted_at
    assert status(proposal.annotator) == "active"
    event = Event.objects.get(kind="pause.proposed")
    assert (event.data["errors"], event.data["annotator"]) == (
        6,
        str(proposal.annotator.public_id),
    )


def test_once_as_of_a_time_and_once_while_undecided(world: World, proposal: PauseProposal) -> None:
    events = Event.objects.count()
    assert propose_pauses(**by("quality", world)) == []
    answers(world, proposal.annotator, [1] * 5, start=NOW)
    assert propose_pauses(**by("quality", world, HOUR)) == []
    assert Event.objects.count() == events


def test_after_a_decision_the_evidence_begins_anew(world: World, proposal: PauseProposal) -> None:
    decline_pause(proposal, told="A hard batch.", **by("quality", world))
    assert propose_pauses(**by("quality", world, HOUR)) == []
    answers(world, proposal.annotator, [1] * 5, start=NOW + HOUR)
    (again,) = propose_pauses(**by("quality", world, DAY))
    assert again.answers == 5


def test_the_usual_error_of_a_skill_is_not_held_against_anybody(world: World) -> None:
    """Where the median annotator errs in a quarter of the answers, so may the next one."""
    usual(0.75)
    person = people()[0]
    answers(world, person, [1, 0, 0, 0] * 12)
    assert propose_pauses(**by("quality", world)) == []
    usual(0.95)
    (made,) = propose_pauses(**by("quality", world))
    assert made.p0 == 0.05


def test_a_hold_lasts_a_day_at_most_and_once(world: World, proposal: PauseProposal) -> None:
    person = proposal.annotator
    hold(proposal, **by(watcher(), world))
    assert status(person) == "paused"
    assert person.paused_until == NOW + DAY == proposal.hold_until
    assert end_holds(**by(watcher(), world, DAY - MINUTE)) == 0
    assert end_holds(**by(watcher(), world, DAY)) == 1
    assert end_holds(**by(watcher(), world, DAY)) == 0
    proposal.refresh_from_db()
    assert proposal.state == "proposed"
    with pytest.raises(IntegrityError), transaction.atomic():
        hold(proposal, **by(watcher(), world, DAY))
    for values in ({"hold_minutes": 1441}, {"hold_minutes": 60}, {"held_at": NOW + DAY}):
        with pytest.raises(IntegrityError), transaction.atomic():
            PauseProposal.objects.filter(pk=proposal.pk).update(**values)


def test_the_round_holds_on_evidence_that_is_a_day_old(world: World, bad: Annotator) -> None:
    old = make_round(**by(watcher(), world))
    assert (old.proposed, old.held) == (1, 1)
    assert make_round(**by(watcher(), world)) == type(old)(0, 0, 0, 0)
    fresh = people()[2]
    answers(world, fresh, [1] * 6, start=NOW - HOUR)
    now = make_round(**by(watcher(), world))
    assert (now.proposed, now.held) == (1, 0)
    assert status(fresh) == "active"
    later = make_round(**by(watcher(), world, DAY))
    assert (later.holds_over, later.held) == (1, 1)
    assert status(fresh) == "paused"


def test_without_automatic_holds(world: World, bad: Annotator, settings: Any) -> None:
    settings.PAUSE_HOLD_HOURS = 0
    assert make_round(**by(watcher(), world)).held == 0
    assert status(bad) == "active"


def test_a_person_confirms_and_the_annotator_is_told(world: World, proposal: PauseProposal) -> None:
    hold(proposal, **by(watcher(), world))
    confirm_pause(
        proposal,
        until=NOW + 7 * DAY,
        told=TOLD,
        note="Ask the trainer.",
        **by("quality", world, HOUR),
    )
    person = proposal.annotator
    assert status(person) == "paused"
    assert (person.paused_until, person.pause_reason) == (NOW + 7 * DAY, TOLD)
    steps = PauseProposalStep.objects.values_list("from_state", "to_state", "actor__name")
    assert list(steps) == [
        ("proposed", "held", "system.watch"),
        ("held", "confirmed", "quality"),
    ]
    with pytest.raises(Conflict, match="confirmed"):
        decline_pause(proposal, told="No.", **by("quality", world))


def test_the_system_never_decides(world: World, proposal: PauseProposal) -> None:
    for user in (watcher(), world.users["operations"], world.users["admin"]):
        with pytest.raises(Forbidden):
            confirm_pause(proposal, until=NOW + DAY, told=TOLD, **by(user, world))
        with pytest.raises(Forbidden):
            decline_pause(proposal, told=TOLD, **by(user, world))
    # Nor does the database take it, from the system, from oneself, or from a vendor.
    for user in (watcher(), proposal.annotator.user):
        with pytest.raises(IntegrityError, match="decides"), transaction.atomic():
            PauseProposal.objects.filter(pk=proposal.pk).update(
                decided_by=user, decided_at=NOW, told="x"
            )
    with pytest.raises(IntegrityError), transaction.atomic():
        PauseProposal.objects.filter(pk=proposal.pk).update(state="confirmed", steps=1)


def test_a_decision_has_a_reason_and_a_term(world: World, proposal: PauseProposal) -> None:
    quality = by("quality", world)
    with pytest.raises(Invalid, match="told a reason"):
        confirm_pause(proposal, until=NOW + DAY, told=" ", **quality)
    for until in (NOW, NOW + 400 * DAY):
        with pytest.raises(Invalid, match="within a year"):
            confirm_pause(proposal, until=until, told=TOLD, **quality)
    assert PauseProposal.objects.get().state == "proposed"


def test_declining_ends_a_hold_but_not_somebody_elses_pause(
    world: World, proposal: PauseProposal
) -> None:
    person = proposal.annotator
    hold(proposal, **by(watcher(), world))
    decline_pause(proposal, told="A hard batch.", **by("quality", world, HOUR))
    assert status(person) == "active"
    answers(world, person, [1] * 6, start=NOW + HOUR)
    (second,) = propose_pauses(**by("quality", world, 2 * HOUR))
    change_status(person, "paused", reason="ill", until=NOW + 9 * DAY, **world.by)
    hold(second, **by(watcher(), world, 2 * HOUR))
    person.refresh_from_db()
    assert (person.pause_reason, person.paused_until) == ("ill", NOW + 9 * DAY)
    decline_pause(second, told="They are ill.", **by("quality", world, 3 * HOUR))
    assert status(person) == "paused"


def test_contested_and_settled_by_another_person(
    world: World, proposal: PauseProposal, other_lead: User
) -> None:
    person = proposal.annotator
    confirm_pause(proposal, until=NOW + 7 * DAY, told=TOLD, **by("quality", world))
    mine = by(person.user, world, HOUR)
    with pytest.raises(Invalid, match="why you contest"):
        contest_pause(proposal, "  ", **mine)
    contest_pause(proposal, "The pictures were black.", **mine)
    with pytest.raises(Invalid, match="Another person"):
        settle_contest(proposal, upheld=False, told="So be it.", **by("quality", world))
    with pytest.raises(IntegrityError), transaction.atomic():
        PauseProposal.objects.filter(pk=proposal.pk).update(
            settled_by=world.users["quality"], settled_at=NOW, settled_told="x"
        )
    settle_contest(proposal, upheld=False, told="They were.", **by(other_lead, world, DAY))
    assert PauseProposal.objects.get().state == "lifted"
    assert status(person) == "active"
    with pytest.raises(Conflict):
        settle_contest(proposal, upheld=True, told="No.", **by(other_lead, world, DAY))


def test_a_contested_hold_is_upheld_with_a_term(world: World, proposal: PauseProposal) -> None:
    hold(proposal, **by(watcher(), world))
    contest_pause(proposal, "Why?", **by(proposal.annotator.user, world, HOUR))
    with pytest.raises(Invalid, match="has a term"):
        settle_contest(proposal, upheld=True, told=TOLD, **by("quality", world, 2 * HOUR))
    until = NOW + 3 * DAY
    settle_contest(proposal, upheld=True, told=TOLD, until=until, **by("quality", world, 2 * HOUR))
    proposal.annotator.refresh_from_db()
    assert proposal.annotator.paused_until == until
    assert proposal.annotator.pause_reason == TOLD


def test_only_whom_it_is_about_contests(world: World, proposal: PauseProposal) -> None:
    confirm_pause(proposal, until=NOW + 7 * DAY, told=TOLD, **by("quality", world))
    stranger = create_user(
        email="stranger@alpha.example",
        name="stranger",
        organisation=world.vendors["alpha"].organisation,
        roles=[Role.ANNOTATOR],
        **world.as_("admin"),
    )
    with pytest.raises(NotFound):
        contest_pause(proposal, "x", **by(stranger, world))
    with pytest.raises(Forbidden):
        contest_pause(proposal, "x", **by("quality", world))


def work(world: World) -> tuple[Annotator, list[Task], Assignment]:
    """Have somebody who has become bad answer three tasks, and hold one."""
    world.add_tasks(world.add_project(), 6)
    world.route("street")
    usual(0.95)
    person = Annotator.objects.filter(pool=Placement.objects.all()[0].pool).order_by("pk")[0]
    answers(world, person, BAD)
    held = [claim(person, **by("operations", world))[0] for _n in range(4)]
    tasks = []
    for number, row in enumerate(held[:3]):
        submit_assignment(row, **by("operations", world))
        Judgment.objects.create(
            task=row.task,
            annotator=person,
            assignment=row,
            answer="b",
            label="b",
            source="form",
            submitted_at=NOW - HOUR + number * MINUTE,
        )
        row.task.refresh_from_db()
        tasks.append(row.task)
    return person, tasks, held[3]


def test_leases_end_and_work_in_doubt_is_queued(world: World) -> None:
    from routing.services.task_states import move_tasks

    _person, tasks, in_hand = work(world)
    with transaction.atomic():
        move_tasks(
            [task.pk for task in tasks[:2]],
            from_state="held",
            to_state="answered",
            **by("operations", world),
        )
    looked_at = Judgment.objects.get(task=tasks[1])
    Review.objects.create(task=tasks[1], judgment=looked_at, why="arrangement", created_at=NOW)
    (proposal,) = propose_pauses(**by("quality", world))
    confirm_pause(proposal, until=NOW + 7 * DAY, told=TOLD, **by("quality", world))
    in_hand.refresh_from_db()
    assert in_hand.state == "withdrawn"
    assert in_hand.task.state == "open"
    assert Placement.objects.get(task=in_hand.task).taken == 0
    (queued,) = Review.objects.filter(why="evidence")
    # Not the one that was looked at, nor the one whose task still wants answers.
    assert (queued.task, queued.state, queued.probability) == (tasks[0], "pending", 1.0)
    proposal.refresh_from_db()
    assert proposal.checks == 1
    assert queue_checks(proposal, **by("quality", world)) == 0
    assert Review.objects.filter(why="evidence").count() == 1


def test_a_review_in_the_hands_of_who_is_paused_waits_for_another(
    world: World,
) -> None:
    bad = people()[0]
    (row,) = answers(world, people()[1], [0], by="nothing")
    held = Assignment.objects.create(
        task=row.task,
        annotator=bad,
        human=-bad.pk,
        pool=bad.pool,
        purpose="review",
        day=NOW.date(),
        reserved_at=NOW,
        lease_until=NOW + HOUR,
    )
    review = Review.objects.create(
        task=row.task,
        judgment=row,
        why="arrangement",
        state="taken",
        assignment=held,
        reviewer=bad,
        created_at=NOW,
    )
    change_status(bad, "paused", reason="ill", until=NOW + DAY, **world.by)
    assert make_round(**by(watcher(), world)).leases_ended == 1
    review.refresh_from_db()
    assert (review.state, review.assignment, review.reviewer) == ("pending", None, None)


def test_two_rounds_at_once_propose_once(
    world: World, bad: Annotator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from quality.services import pause_tests

    real, others = pause_tests._propose, []

    def meanwhile(*args: Any, **kwargs: Any) -> Any:
        if not others:
            others.append(None)
            others.extend(propose_pauses(**by(watcher(), world)))
        return real(*args, **kwargs)

    monkeypatch.setattr(pause_tests, "_propose", meanwhile)
    assert propose_pauses(**by("quality", world)) == []
    assert PauseProposal.objects.get() == others[1]
