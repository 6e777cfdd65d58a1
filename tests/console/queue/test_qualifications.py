"""Qualifications in the annotators' pages: what one may try, the try, what came out."""

import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.time import utc_now
from quality.models import QualificationSet, QualificationTry
from quality.services.gold import make_gold
from quality.services.qualification_sets import add_tasks, make_set, put_in_force
from routing.models import Assignment, Project, Task
from routing.services.projects import add_guideline
from routing.services.task_states import move_tasks
from tests.conftest import NOW, World
from tests.console.queue.people import browser_of, login_for, plain
from workforce.models import AnnotatorSkill, Skill
from workforce.services.people import change_status

pytestmark = pytest.mark.django_db
SIZE = 20


@pytest.fixture
def asked(world: World) -> QualificationSet:
    """A set of 40 cats in force: level 3 from .8, 5 from .95 right; two tries of 20."""
    tasks = world.add_tasks(world.add_project(), 40, payload="Which animal?")
    add_guideline(
        Project.objects.get(),
        content="Look.",
        ontology={"labels": ["cat", "dog"]},
        effective_from=NOW,
        **world.by,
    )
    with transaction.atomic():
        for before, after in (("open", "answered"), ("answered", "accepted")):
            move_tasks([t.pk for t in tasks], from_state=before, to_state=after, **world.by)
    for task in tasks:
        make_gold(task, answer="cat", **world.as_("quality"))
    made = make_set(
        skill=Skill.objects.get(key="image-classification"),
        name="Cats",
        levels={"5": 0.95, "3": 0.8},
        size=SIZE,
        **world.as_("quality"),
    )
    add_tasks(made, Task.objects.all(), **world.as_("quality"))
    return put_in_force(made, **world.as_("quality"))


@pytest.fixture
def client(world: World, asked: QualificationSet) -> Client:
    """A vendor's person who has no level yet."""
    return browser_of(login_for(world, world.add_person("alpha", "newcomer", skills=())))


def sit(client: Client, asked: QualificationSet) -> Any:
    return client.post(f"/queue/qualifications/{asked.public_id}/")


def answer_all(client: Client, there: str, wrong: int) -> str:
    """Answer the tasks of a try, some wrongly; returns where it led in the end."""
    for number in range(SIZE):
        assert there.startswith("/queue/work/"), (number, there)
        label = "dog" if number < wrong else "cat"
        there = client.post(f"{there}submit/", {"answer.label": label, "seconds": "3"})["Location"]
    return there


def test_it_works(client: Client, asked: QualificationSet) -> None:
    page = client.get("/queue/qualifications/").content.decode()
    assert "level 3 from 80 %, level 5 from 95 %" in page
    assert "You have no verified level yet." in page
    assert "2 of 2 tries left" in page
    there = sit(client, asked)["Location"]
    task = client.get(there).content.decode()
    assert "Which animal?" in task
    assert ">Qualification<" in task
    assert "Task 1 of 20" in task
    # Sent half-way, it is gone on with: also after a skip, which puts nothing out of the try.
    client.post(f"{there}skip/", {"reason": "unclear"})
    there = sit(client, asked)["Location"]
    first = client.post(f"{there}submit/", {"answer.label": "dog", "then": "stop"})
    assert first["Location"] == "/queue/"
    page = client.get("/queue/qualifications/").content.decode()
    assert "1 of 20 answered" in page
    assert QualificationTry.objects.get().state == "open"
    there = sit(client, asked)["Location"]
    for _number in range(SIZE - 1):
        there = client.post(f"{there}submit/", {"answer.label": "cat"})["Location"]
    assert there == "/queue/qualifications/"
    page = client.get(there).content.decode()
    assert "Passed: 19 of 20 right. You have level 5 now." in page
    assert "Your level: 5" in page
    assert "You have passed this qualification." in page
    assert AnnotatorSkill.objects.get(annotator__name="newcomer").state == "verified"
    assert "passed this qualification" in _follow(client, asked)


def _follow(client: Client, asked: QualificationSet) -> str:
    return client.post(f"/queue/qualifications/{asked.public_id}/", follow=True).content.decode()


def test_a_failed_try_says_when_the_next_may_begin(client: Client, asked: QualificationSet) -> None:
    there = answer_all(client, sit(client, asked)["Location"], wrong=8)
    page = client.get(there).content.decode()
    assert "Not passed: 12 of 20 right." in page
    assert "12 of 20" in page
    assert "1 of 2 tries left" in page
    again = re.search(r"The next try is not before ([^<]+)\.", page)
    assert again is not None
    assert "Begin a try" not in page
    assert again.group(0) in _follow(client, asked)
    # A week later, with other tasks; then none is left.
    QualificationTry.objects.update(finished_at=utc_now() - timedelta(days=8))
    assert "Begin a try" in client.get("/queue/qualifications/").content.decode()
    answer_all(client, sit(client, asked)["Location"], wrong=9)
    page = client.get("/queue/qualifications/").content.decode()
    assert "All tries at this qualification are used up." in page


def test_who_is_paused_tries_nothing(world: World, client: Client, asked: QualificationSet) -> None:
    person = world.pools["alpha"].annotators.get(name="newcomer")
    change_status(person, "paused", reason="Away", until=utc_now() + timedelta(days=2), **world.by)
    sit(client, asked)
    assert not Assignment.objects.exists()


def test_tries_of_others_are_not_seen(
    world: World, client: Client, asked: QualificationSet
) -> None:
    there = sit(client, asked)["Location"]
    for pool in ("alpha", "beta"):
        other = browser_of(login_for(world, world.add_person(pool, "other", skills=())))
        page = other.get("/queue/qualifications/").content.decode()
        assert "answered" not in page
        assert "2 of 2 tries left" in page
        assert other.get(there).status_code == 404
    missing = client.post(f"/queue/qualifications/{uuid4()}/")
    none = client.post(f"/queue/qualifications/{Task.objects.first().public_id}/")
    assert (none.status_code, plain(none)) == (404, plain(missing))


def test_a_set_that_is_not_in_force_is_not_there(client: Client, asked: QualificationSet) -> None:
    QualificationSet.objects.update(is_active=False)
    assert sit(client, asked).status_code == 404
    page = client.get("/queue/qualifications/").content.decode()
    assert "There is no qualification to try at the moment." in page


def test_queries_do_not_grow_with_sets(
    world: World, client: Client, asked: QualificationSet
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            client.get("/queue/qualifications/")
        return len(seen)

    sit(client, asked)
    before = queries()
    for key in ("image-boxes", "text-spans"):
        made = make_set(
            skill=Skill.objects.get(key=key), name=key, levels={"3": 0.8}, **world.as_("quality")
        )
        QualificationSet.objects.filter(pk=made.pk).update(is_active=True)
    assert queries() == before
