"""Profile, confusion and lineage in a real Chromium: read on a desk and on a phone."""

from datetime import timedelta

import pytest

from tests.conftest import NOW, World
from tests.quality.services.known import answers, review
from tests.quality.services.work import answer, only, people, routed, take

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SPAN = "since=2026-02-01&until=2026-03-10"


@pytest.mark.parametrize("width", [1366, 390])
def test_a_lead_follows_a_number_to_the_lineage(
    world: World, live_server, browser, width: int
) -> None:
    routed(world, 2, rules=only("in_house"))
    person = people()[0]
    given = answer(world, take(world, person), seconds=12.0)
    review(world, given, 1, at=NOW + timedelta(hours=1), billable_seconds=30.0)
    answers(world, person, [0, 1, 0])
    page = browser.new_page(viewport={"width": width, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    page.goto(f"{live_server.url}/admin/")
    page.fill("input[name=username]", "quality@house.example")
    page.fill("input[name=password]", "pass")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    page.goto(f"{live_server.url}/admin/workforce/annotator/{person.pk}/change/")
    # Its own tabs are there beside the way to the profile.
    assert page.locator("#tabs-items").get_by_text("General").is_visible()
    page.get_by_role("link", name="Profile", exact=True).click()
    page.get_by_role("heading", name=person.name, exact=True).wait_for()
    page.fill("input[name=since]", "2026-02-01")
    page.fill("input[name=until]", "2026-03-10")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**since=2026-02-01**")
    assert page.get_by_role("img").first.is_visible()
    assert page.evaluate(overflow) <= 0
    page.locator("a[href*='/rows/rejected/']").first.click()
    page.get_by_role("link", name=given.task.external_id, exact=True).click()
    page.get_by_text("Decisions that sent it to people").wait_for()
    assert page.evaluate(overflow) <= 0
    page.goto(f"{live_server.url}/admin/quality/judgment/confusion/?{SPAN}")
    page.get_by_text("a is taken for b").wait_for()
    assert page.evaluate(overflow) <= 0
    assert errors == []
