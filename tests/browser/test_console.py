"""The console in a real Chromium: sign in, read a run, on a desk and on a phone."""

import pytest

from tests.conftest import World

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [1280, 390])
def test_an_operator_reads_a_run(world: World, live_server, browser, width: int) -> None:
    world.add_tasks(world.add_project(), 8)
    world.route("street")
    page = browser.new_page(viewport={"width": width, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}/admin/")
    page.fill("input[name=username]", "operations@house.example")
    page.fill("input[name=password]", "pass")
    page.click("button[type=submit]")
    page.wait_for_url("**/admin/")
    assert page.get_by_text("Last routing").is_visible()
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(overflow) <= 0
    page.goto(f"{live_server.url}/admin/routing/run/")
    page.locator("a[href*='/admin/routing/run/'][href$='/change/']").first.click()
    page.get_by_text("Work by pool").wait_for()
    assert page.evaluate(overflow) <= 0
    page.locator("a[href*='/admin/routing/decision/'][href$='/change/']").first.click()
    page.get_by_text("Open arrangements, by cost").wait_for()
    assert page.evaluate(overflow) <= 0
    # The last column, the error, is on the screen without scrolling aside.
    box = page.locator("table tbody tr td:last-child").first.bounding_box()
    assert box["x"] + box["width"] <= width
    page.goto(f"{live_server.url}/admin/routing/task/")
    page.locator("a[href*='/admin/routing/task/'][href$='/change/']").first.click()
    page.get_by_text("why: the decision").wait_for()
    assert page.evaluate(overflow) <= 0
    box = page.locator("table tbody tr td:last-child").first.bounding_box()
    assert box["x"] + box["width"] <= width
    assert errors == []
