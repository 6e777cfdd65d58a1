"""Claims and the steps of assignments over HTTP: sign-in by key, refusals, and what is shown."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.choices import Role
from accounts.models import ApiKey
from accounts.services.keys import make_key, revoke_key
from accounts.services.users import create_user, revoke_role
from common.time import utc_now
from quality.models import Judgment
from routing.models import Assignment, Placement, Task
from tests.conftest import World
from workforce.models import Annotator

pytestmark = pytest.mark.django_db
CLAIM = "/api/v1/claim"


class Caller:
    """An annotator with a login and a key, calling over HTTP."""

    def __init__(
        self, world: World, annotator: Annotator, *, scopes: Any = ("own_work.do",)
    ) -> None:
        self.annotator = annotator
        self.user = create_user(
            email=f"a{annotator.pk}@work.example",
            name=annotator.name,
            organisation=annotator.organisation,
            roles=[Role.ANNOTATOR],
            **world.as_("admin"),
        )
        Annotator.objects.filter(pk=annotator.pk).update(user=self.user)
        by = {**world.as_("admin"), "now": timezone.now()}
        self.key, self.token = make_key(self.user, name="work", scopes=list(scopes), **by)
        self.client = Client()

    def post(self, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        answer = self.client.post(
            path,
            data=b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.token}", **headers},
        )
        return answer.status_code, answer.json()


@pytest.fixture
def work(world: World) -> World:
    """Tasks placed at the time of the real clock, which the API reads."""
    world.add_tasks(world.add_project(), 4, payload={"text": "a"})
    now = utc_now()
    days = (7 - now.weekday()) % 7 + 2  # over a week-end
    world.route("street", days=days, now=now)
    return world


@pytest.fixture
def caller(work: World) -> Caller:
    pool = Placement.objects.values_list("pool_id", flat=True).first()
    return Caller(work, Annotator.objects.filter(pool_id=pool).order_by("pk").first())


def path_of(row: Any, step: str) -> str:
    return f"/api/v1/assignments/{row['id']}/{step}"


def test_a_task_is_claimed_and_handed_in(caller: Caller) -> None:
    status, body = caller.post(CLAIM)
    assert status == 200
    (row,) = body["assignments"]
    task = Task.objects.get(public_id=row["task"]["id"])
    assert row["task"] == {
        "id": str(task.public_id),
        "external_id": task.external_id,
        "project": "street",
        "task_type": "image-classification",
        "reference": None,
        "payload": {"text": "a"},
    }
    assert caller.post(path_of(row, "heartbeat"))[0] == 200
    for _twice in range(2):
        status, body = caller.post(path_of(row, "submit"), {"answer": "cat", "seconds": 3})
        assert status == 200, body
    assert Judgment.objects.get().public_id.hex == body["judgment"].replace("-", "")
    status, body = caller.post(path_of(row, "release"))
    assert (status, body["code"]) == (409, "assignment_over")


def test_nothing_that_is_shown_tells_what_a_task_is_for(caller: Caller) -> None:
    _status, body = caller.post(CLAIM, {"count": 2})
    text = json.dumps(body)
    for word in ("purpose", "gold", "decision", "price", "cost", "pool", "crew", "attempt"):
        assert word not in text


def test_a_batch_is_no_larger_than_asked(caller: Caller) -> None:
    assert len(caller.post(CLAIM, {"count": 3})[1]["assignments"]) == 3
    assert len(caller.post(CLAIM, {"count": 3})[1]["assignments"]) == 1
    assert caller.post(CLAIM, {"count": 3}) == (200, {"assignments": []})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 101}, "count"),
        ({"count": True}, "count"),
        ({"count": "2"}, "count"),
        ({"counts": 1}, "counts"),
        ([], "body"),
    ],
)
def test_bad_input_names_the_field(caller: Caller, body: Any, field: str) -> None:
    status, answer = caller.post(CLAIM, body)
    assert (status, answer["code"], answer["field"]) == (422, "invalid", field)


def test_what_is_no_json_is_refused(caller: Caller) -> None:
    answer = caller.client.post(
        CLAIM,
        data=b"{",
        content_type="text/plain",
        headers={"Authorization": f"Bearer {caller.token}"},
    )
    assert (answer.status_code, answer.json()["rule"]) == (422, "json")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_skip_needs_a_known_reason(caller: Caller) -> None:
    (row,) = caller.post(CLAIM)[1]["assignments"]
    status, body = caller.post(path_of(row, "skip"), {"reason": "dull"})
    assert (status, body["field"]) == (422, "reason")
    assert caller.post(path_of(row, "skip"), {"reason": "unclear"})[1]["state"] == "skipped"


def test_without_a_live_key_nothing_opens(work: World, caller: Caller) -> None:
    for token in ("nonsense", caller.token[:-1] + "_", "", caller.token.split(".")[0]):
        status, body = caller.post(CLAIM, token=token or " ")
        assert (status, body["code"]) == (401, "unauthorized")
    revoke_key(caller.key, **work.as_("admin"))
    assert caller.post(CLAIM)[0] == 401


def test_a_revoked_key_stops_at_once(work: World, caller: Caller) -> None:
    (row,) = caller.post(CLAIM)[1]["assignments"]
    ApiKey.objects.filter(pk=caller.key.pk).update(revoked_at=timezone.now())
    for step in ("heartbeat", "submit", "skip", "release"):
        assert caller.post(path_of(row, step), {})[0] == 401
    assert Assignment.objects.get().state == "reserved"


def test_a_key_opens_what_it_is_for(work: World, caller: Caller) -> None:
    other = Annotator.objects.exclude(pk=caller.annotator.pk).first()
    stranger = Caller(work, other)
    revoke_role(stranger.user, Role.ANNOTATOR, **work.as_("admin"))
    assert stranger.post(CLAIM)[0] == 403
    _key, token = make_key(
        work.users["operations"], name="ops", scopes=["routing.run"], **work.as_("admin")
    )
    assert caller.post(CLAIM, token=token)[0] == 403


def test_another_vendors_person_cannot_tell_that_an_assignment_exists(
    work: World, caller: Caller
) -> None:
    """Alice holds a task; Bob of her pool and Charlie of another vendor see nothing of it."""
    (row,) = caller.post(CLAIM)[1]["assignments"]
    bob = Annotator.objects.filter(pool=caller.annotator.pool_id).exclude(pk=caller.annotator.pk)
    charlie = Annotator.objects.exclude(pool=caller.annotator.pool_id)
    nowhere = {"id": "00000000-0000-4000-8000-000000000000"}
    for annotator in (bob.first(), charlie.filter(pool__kind="outsourced").first()):
        other = Caller(work, annotator)
        for step in ("heartbeat", "submit", "skip", "release"):
            body = {"submit": {"answer": "cat"}, "skip": {"reason": "unclear"}}.get(step, {})
            assert other.post(path_of(row, step), body) == other.post(path_of(nowhere, step), body)
            assert other.post(path_of(row, step), body)[0] == 404
        for wrong in ({}, {"answers": 1}, {"answer": 7, "confidence": 2}, []):
            told = [other.post(path_of(one, "submit"), wrong) for one in (row, nowhere)]
            assert told[0] == told[1]
    assert Assignment.objects.get().state == "reserved"


def test_refusals_are_told_in_the_callers_language(caller: Caller) -> None:
    _status, body = caller.post(CLAIM, token="x", **{"Accept-Language": "en"})
    assert body["title"].startswith("Send a live API key")


def test_other_methods_and_addresses_are_refused_as_problems(caller: Caller) -> None:
    answer = caller.client.get(CLAIM)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert caller.post("/api/v1/nothing")[0] == 404


def test_a_claim_and_an_answer_take_few_statements(
    caller: Caller, django_assert_max_num_queries: Any
) -> None:
    for _warm in range(2):
        caller.post(CLAIM)
    short = connection.vendor == "postgresql"  # there each is who calls, and what is done
    with django_assert_max_num_queries(2 if short else 14):
        (row,) = caller.post(CLAIM)[1]["assignments"]
    caller.post(path_of(row, "submit"), {"answer": "cat"})
    (row,) = caller.post(CLAIM)[1]["assignments"]
    # Whether a review is drawn is luck.
    with django_assert_max_num_queries(24):
        assert caller.post(path_of(row, "submit"), {"answer": "cat"})[0] == 200
