"""One's own pauses: why, until when, contested in words, and what came of it."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.choices import Role
from accounts.services.users import create_user, house
from common.time import utc_now
from quality.models import PauseProposal
from quality.services.pauses import confirm_pause, settle_contest
from tests.conftest import World
from tests.console.queue.people import browser_of, login_for, plain
from workforce.models import Annotator, Skill

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def paused(world: World) -> PauseProposal:
    """A pause of one of own staff, confirmed for four days."""
    person = world.pools["in-house"].annotators.first()
    login_for(world, person)
    now = utc_now()
    made = PauseProposal.objects.create(
        annotator=person,
        skill=Skill.objects.get(key="image-classification"),
        p0=0.05,
        p1=0.15,
        alpha=0.01,
        beta=0.1,
        false_share=0.01,
        run_length=1000.0,
        answers=46,
        errors=8,
        ratio=4.7,
        evidence_from=now - 20 * DAY,
        evidence_to=now - 2 * DAY,
        proposed_at=now,
    )
    told = "Many boxes were too wide.\nSee part 3 of the guideline."
    by = {"acting_user": world.users["quality"], "now": now}
    return confirm_pause(made, until=now + 4 * DAY, told=told, note="check with Kim", **by)


def page_of(client: Client) -> str:
    page = client.get("/queue/pauses/")
    assert page.status_code == 200
    return page.content.decode()


def contest(client: Client, row: Any, text: str) -> Any:
    return client.post(f"/queue/pauses/{row.public_id}/contest/", {"text": text})


def test_it_works(world: World, paused: PauseProposal) -> None:
    client = browser_of(Annotator.objects.get(pk=paused.annotator_id).user)
    home = client.get("/queue/").content.decode()
    assert "Your work is paused until" in home
    assert "/queue/pauses/" in home
    page = page_of(client)
    assert "Many boxes were too wide.<br>See part 3 of the guideline." in page
    assert "8 of 46 checked answers were wrong." in page
    assert "check with Kim" not in page
    nothing = contest(client, paused, "  ")
    assert nothing.status_code == 422
    assert "Say why you contest it." in nothing.content.decode()
    assert contest(client, paused, "The images were cut off.").status_code == 302
    page = page_of(client)
    assert "The images were cut off." in page
    assert "It is being looked at." in page
    assert "Contest this pause" not in page
    assert contest(client, paused, "Again").status_code == 302
    assert "contested already" in page_of(client)
    lead = create_user(
        email="other.lead@house.example",
        name="Other",
        organisation=house(),
        roles=[Role.QUALITY_LEAD],
        **world.as_("admin"),
    )
    paused.refresh_from_db()
    assert paused.contest == "The images were cut off."
    told = "You are right: they were."
    settle_contest(paused, upheld=False, told=told, acting_user=lead, now=utc_now())
    page = page_of(client)
    assert told in page
    assert "Other" not in page
    home = client.get("/queue/").content.decode()
    assert "Your work is paused" not in home
    assert "what came of them" in home


def test_pauses_of_others_are_not_there(world: World, paused: PauseProposal) -> None:
    strangers = (
        world.pools["in-house"].annotators.order_by("pk")[1],
        world.pools["alpha"].annotators.first(),
    )
    for person in strangers:
        client = browser_of(login_for(world, person))
        assert "never been paused" in page_of(client)
        theirs = contest(client, paused, "No!")
        none = client.post(f"/queue/pauses/{person.public_id}/contest/", {"text": "No!"})
        assert (theirs.status_code, plain(theirs)) == (404, plain(none))
    paused.refresh_from_db()
    assert paused.state == "confirmed"


def test_what_is_only_proposed_is_not_told(world: World, paused: PauseProposal) -> None:
    client = browser_of(Annotator.objects.get(pk=paused.annotator_id).user)
    made = PauseProposal.objects.get(pk=paused.pk)
    made.pk, made.state, made.steps, made.skill = None, "proposed", 0, Skill.objects.last()
    made.public_id = world.users["quality"].public_id
    made.decided_by, made.decided_at, made.told = None, None, ""
    made.pause_until, made.transition, made.note = None, None, ""
    made.save()
    assert made.skill.name not in page_of(client)
    assert contest(client, made, "No!").status_code == 404
