"""An annotator's whole way by keys in a real Chromium: sign in, answer, search, review."""

from collections.abc import Iterator
from typing import Any

import pytest

from quality.models import Judgment, Review
from routing.models import Project, TaskType
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.quality.services.checked import drawn_review, people, routed_project

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOCUS = "document.activeElement.name ?? document.activeElement.tagName"
# Elements that can be used and have no name that a screen reader could say.
UNNAMED = """
[...document.querySelectorAll('main input, main select, main textarea, main button, main a')]
  .filter((e) => e.offsetParent && !e.labels?.length && !e.textContent.trim()
    && !e.getAttribute('aria-label'))
  .map((e) => e.outerHTML)
"""


def guide(world: World, labels: list[Any]) -> None:
    add_guideline(
        Project.objects.get(),
        content="Look closely.",
        ontology={"labels": labels},
        effective_from=NOW,
        change_note="labels",
        **world.by,
    )


@pytest.fixture
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    width = getattr(request, "param", 1280)
    made = browser.new_page(viewport={"width": width, "height": 900})
    errors: list[str] = []
    made.on("pageerror", lambda error: errors.append(str(error)))
    # What the policy of the page refuses is told there.
    made.on("console", lambda said: errors.append(said.text) if _is_wrong(said) else None)
    yield made
    assert errors == []


def _is_wrong(said: Any) -> bool:
    # A form that is refused comes back as 422, which Chromium calls an error.
    return said.type == "error" and "status of 422" not in said.text


def sign_in(page: Any, live_server: Any, user: Any) -> None:
    page.goto(f"{live_server.url}/queue/")
    assert page.evaluate(FOCUS) == "username"
    page.keyboard.type(user.email)
    page.keyboard.press("Tab")
    page.keyboard.type("pass")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="My queue").wait_for()


def next_task(page: Any, key: str = "n") -> None:
    here = page.url
    page.keyboard.press(key)
    page.wait_for_url(lambda url: url != here)


def looks_right(page: Any) -> None:
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(UNNAMED) == []


@pytest.mark.parametrize("page", [1280, 390], indirect=True)
def test_the_whole_way_by_keys(world: World, live_server: Any, page: Any) -> None:
    routed_project(world, tasks=3, share=1.0, second_review_share=0.0)
    guide(world, ["cat", "dog", "cow"])
    first, second, *_others = people(world)
    sign_in(page, live_server, first.user)
    looks_right(page)
    next_task(page)
    looks_right(page)
    page.keyboard.press("?")
    assert page.get_by_role("heading", name="Keys").is_visible()
    page.keyboard.press("2")  # not while the help is open
    page.keyboard.press("Escape")
    assert page.locator("input:checked[type=radio]").count() == 0
    # Turned off, keys do nothing; on again, two choose the second label.
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("2")
    assert page.locator("input:checked[type=radio]").count() == 0
    page.get_by_label("Single-key shortcuts").check()
    page.keyboard.press("2")
    assert page.get_by_role("radio", name="dog").is_checked()
    page.wait_for_timeout(300)
    next_task(page, "Enter")
    given = Judgment.objects.get()
    assert (given.label, given.source) == ("dog", "form")
    assert given.raw_seconds > 0.2
    # What was typed outlives a reload, and Enter in a remark is a new line.
    page.get_by_label("Comment").fill("grey")
    page.reload()
    assert page.get_by_label("Comment").input_value() == "grey"
    page.get_by_label("Comment").press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    next_task(page, "Control+Enter")
    assert Judgment.objects.latest("pk").answer == {"label": "cat", "comment": "grey\n"}
    # Nothing chosen: told beside the field, which has the focus.
    page.keyboard.press("Control+Enter")
    page.get_by_text("Choose an answer.").wait_for()
    assert page.evaluate(FOCUS) == "answer.label"
    page.keyboard.press("s")
    page.get_by_label("Why?").select_option("unclear")
    page.get_by_role("button", name="Skip", exact=True).click()
    page.get_by_text("There is no task for you right now").wait_for()

    page.get_by_role("button", name="Sign out").click()
    sign_in(page, live_server, second.user)
    next_task(page)
    page.get_by_text("The answer that was given").wait_for()
    assert not page.get_by_label("What is wrong?").is_visible()
    looks_right(page)
    page.keyboard.press("f")
    assert page.get_by_label("What is wrong?").is_visible()
    looks_right(page)
    page.get_by_label("What is wrong?").select_option("wrong_label")
    page.get_by_label("How bad is it?").select_option("minor")
    page.locator("body").click(position={"x": 2, "y": 2})
    page.keyboard.press("3")
    next_task(page, "Enter")
    fixed = Review.objects.get(state="done")
    assert (fixed.outcome, fixed.label, fixed.reviewer) == ("fix", "cow", second)
    page.keyboard.press("a")
    here = page.url
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url != here)
    assert Review.objects.filter(state="done", outcome="accept").count() == 1


def test_ten_thousand_labels_by_typing(world: World, live_server: Any, page: Any) -> None:
    routed_project(world, tasks=1, share=1.0)
    guide(world, [{"name": f"Q{n}", "title": f"street {n}"} for n in range(10_000)])
    first = people(world)[0]
    sign_in(page, live_server, first.user)
    next_task(page)
    # Whoever is to type begins at once.
    assert page.evaluate(FOCUS) == "answer.label"
    page.keyboard.type("street 77")
    page.get_by_role("option", name="street 77", exact=True).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.locator("[role=combobox]").input_value() == "street 770"
    assert page.locator("[role=listbox]").is_hidden()
    looks_right(page)
    page.keyboard.press("Enter")
    page.get_by_text("There is no task for you right now").wait_for()
    assert Judgment.objects.get().label == "Q770"


def test_numbers_choose_in_the_field_that_has_the_focus(
    world: World, live_server: Any, page: Any
) -> None:
    schema = {
        "type": "object",
        "required": ["tone", "stars"],
        "properties": {
            "tone": {"enum": ["kind", "rude"]},
            "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        },
    }
    TaskType.objects.filter(key="image-classification").update(answer_schema=schema)
    routed_project(world, tasks=1, share=1.0)
    sign_in(page, live_server, people(world)[0].user)
    next_task(page)
    page.keyboard.press("2")
    page.keyboard.press("Tab")
    page.keyboard.press("4")
    page.keyboard.press("2")
    page.keyboard.press("5")
    looks_right(page)
    next_task(page, "Enter")
    assert Judgment.objects.get().answer == {"tone": "rude", "stars": 5}


def test_it_works_without_scripts(world: World, live_server: Any, browser: Any) -> None:
    tasks = routed_project(world, tasks=2, share=1.0, second_review_share=0.0)
    guide(world, ["cat", "dog"])
    first, second, *_others = people(world)
    drawn_review(world, tasks[0], first)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{live_server.url}/queue/")
    page.get_by_label("E-mail").fill(second.user.email)
    page.get_by_label("Password").fill("pass")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Next task").click()
    page.get_by_role("radio", name="Accept").check()
    page.get_by_role("button", name="Send and go on").click()
    assert Review.objects.get().outcome == "accept"
    page.get_by_role("radio", name="cat").check()
    page.get_by_role("button", name="Send and stop").click()
    assert page.get_by_text("Sent.").is_visible()
    given = Judgment.objects.latest("pk")
    assert (given.label, given.annotator, given.raw_seconds) == ("cat", second, None)
