"""What annotators read of their own pauses, and that others read nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user
from common.errors import NotFound
from quality.models import PauseProposal
from quality.services.alarms import watcher
from quality.services.pause_notices import notices_for, pause_of
from quality.services.pause_tests import propose_pauses
from quality.services.pauses import confirm_pause, contest_pause, hold, settle_contest
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people, usual

DAY = timedelta(days=1)


def login(world: World, name: str, vendor: str) -> User:
    return create_user(
        email=f"{name}@{vendor}.example",
        name=name,
        organisation=world.vendors[vendor].organisation,
        roles=[Role.ANNOTATOR],
        **world.as_("admin"),
    )


def proposed(world: World, wrong: list[int], *, ago: timedelta) -> tuple[User, PauseProposal]:
    person = people("alpha")[0]
    user = login(world, "ann", "alpha")
    person.user = user
    person.save(update_fields=["user"])
    usual(0.95)
    answers(world, person, wrong, start=NOW - ago)
    (made,) = propose_pauses(**world.as_("quality"))
    return user, made


def test_from_the_hold_to_the_answer(world: World) -> None:
    user, proposal = proposed(world, [0] * 30 + [1] * 8, ago=3 * DAY)
    assert notices_for(user, now=NOW) == []  # it may come to nothing
    with pytest.raises(NotFound):
        pause_of(user, proposal.public_id)
    hold(proposal, acting_user=watcher(), now=NOW)
    (notice,) = notices_for(user, now=NOW)
    assert notice.until == NOW + DAY
    assert notice.may_contest
    assert "more errors than usual" in notice.reason
    (over,) = notices_for(user, now=NOW + DAY)
    assert over.until is None
    confirm_pause(
        proposal, until=NOW + 7 * DAY, told="Too many.", note="secret", **world.as_("quality")
    )
    (notice,) = notices_for(user, now=NOW)
    assert (notice.reason, notice.until) == ("Too many.", NOW + 7 * DAY)
    contest_pause(pause_of(user, str(proposal.public_id)), "Why?", acting_user=user, now=NOW)
    (notice,) = notices_for(user, now=NOW)
    assert (notice.asked_again, notice.may_contest) == ("Why?", False)
    proposal.refresh_from_db()
    other = User.objects.create_superuser("root@house.example", "pass", name="root")
    settle_contest(proposal, upheld=False, told="You are right.", acting_user=other, now=NOW)
    (notice,) = notices_for(user, now=NOW)
    assert (notice.answer, notice.until) == ("You are right.", None)
    assert "secret" not in str(notice)


@pytest.mark.parametrize(
    ("wrong", "ago", "told"),
    [
        ([1] * 6, 3 * DAY, False),  # fewer than twenty
        ([0] * 18 + [1] * 8, timedelta(hours=2), False),  # of today
        # Eighteen right ones and seven wrong ones speak for a pause; the eighth is not read.
        ([0] * 18 + [1] * 8, 3 * DAY, True),
    ],
)
def test_counts_are_sums_over_twenty_and_a_day_late(
    world: World, wrong: list[int], ago: timedelta, told: bool
) -> None:
    user, proposal = proposed(world, wrong, ago=ago)
    hold(proposal, acting_user=watcher(), now=NOW)
    (notice,) = notices_for(user, now=NOW)
    assert notice.counts == ((proposal.answers, proposal.errors) if told else None)
    if told:
        assert proposal.answers >= 20


def test_others_cannot_tell_that_there_is_one(world: World, vendor_user: User) -> None:
    user, proposal = proposed(world, [1] * 6, ago=3 * DAY)
    hold(proposal, acting_user=watcher(), now=NOW)
    for other in (login(world, "bob", "beta"), login(world, "dora", "alpha"), vendor_user):
        assert notices_for(other, now=NOW) == []
        told = set()
        for wanted in (proposal.public_id, uuid4(), "no id"):
            with pytest.raises(NotFound) as refused:
                pause_of(other, wanted)
            told.add(str(refused.value))
        assert len(told) == 1
    assert pause_of(user, proposal.public_id) == proposal
