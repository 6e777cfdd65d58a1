"""A task in hand on its page: what is shown, skipped, given back."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from common.time import utc_now
from routing.models import Assignment, Placement, Project, Task
from routing.services.claiming import claim, take
from routing.services.projects import add_guideline
from tests.conftest import NOW, World
from tests.console.queue.people import browser_of, holders, plain
from workforce.models import Annotator

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(world: World, request: pytest.FixtureRequest) -> Client:
    """Somebody with work: values of the tasks by the mark `work`."""
    mark = request.node.get_closest_marker("work")
    values = dict(mark.kwargs) if mark else {}
    project = world.add_project(**values.pop("project", {}))
    world.add_tasks(project, values.pop("count", 3), **values)
    world.route("street")
    return browser_of(holders(world, 1)[0].user)


def me() -> Annotator:
    return Annotator.objects.select_related("user").get(user__isnull=False)


def next_work(client: Client) -> Assignment:
    answer = client.post("/queue/next/")
    assert answer["Location"].startswith("/queue/work/")
    return Assignment.objects.get(public_id=answer["Location"].split("/")[3])


def page_of(client: Client, row: Assignment) -> str:
    page = client.get(f"/queue/work/{row.public_id}/")
    assert page.status_code == 200
    return page.content.decode()


@pytest.mark.work(payload="A <b>bold</b> text")
def test_it_works(client: Client) -> None:
    row = next_work(client)
    assert (row.state, row.purpose) == ("in_progress", "label")
    page = page_of(client, row)
    assert "A &lt;b&gt;bold&lt;/b&gt; text" in page
    assert row.task.external_id not in page  # ids of the customer may tell what a task is for
    home = client.get("/queue/").content.decode()
    assert "Go on" in home
    # The next task is the one in hand, not one more.
    assert next_work(client).pk == row.pk


@pytest.mark.work(payload={"question": "Which?", "turns": [{"a": 1}], "ok": True, "none": None})
def test_json_is_shown_by_field(client: Client) -> None:
    page = page_of(client, next_work(client))
    assert "<dt>question</dt>" in page
    assert "&quot;a&quot;: 1" in page
    assert ">yes<" in page


@pytest.mark.work(
    payload_reference="https://img.example.com/a.jpg",
    project={"reference_hosts": ["img.example.com"]},
)
def test_a_picture_is_shown_from_an_allowed_host_only(client: Client) -> None:
    row = next_work(client)
    page = client.get(f"/queue/work/{row.public_id}/")
    assert "img-src 'self' https://img.example.com;" in page["Content-Security-Policy"]
    assert '<img src="https://img.example.com/a.jpg"' in page.content.decode()
    assert 'rel="noopener noreferrer"' in page.content.decode()
    for reference, hosts in (
        ("https://img.example.com/a.jpg", []),
        ("http://img.example.com/a.jpg", ["img.example.com"]),
        ("https://img.example.com.evil.example/a.jpg", ["img.example.com"]),
        ("https://img.example.com:8443/a.jpg", ["img.example.com"]),
    ):
        Project.objects.update(reference_hosts=hosts)
        Task.objects.update(payload_reference=reference)
        page = client.get(f"/queue/work/{row.public_id}/")
        assert "example" not in page["Content-Security-Policy"], reference
        assert "<img" not in page.content.decode(), reference


@pytest.mark.work(
    payload="x",
    project={"link_template": "https://tool.example/{task}?a={assignment}&x={external_id}"},
)
def test_the_tool_opens_by_the_projects_link(client: Client) -> None:
    row = next_work(client)
    Task.objects.filter(pk=row.task_id).update(external_id='a b"&c')
    page = page_of(client, row)
    link = f"https://tool.example/{row.task.public_id}?a={row.public_id}&amp;x=a%20b%22%26c"
    assert f'href="{link}"' in page
    Project.objects.update(link_template="javascript:alert(1)")
    assert "Open in the labelling tool" not in page_of(client, row)


@pytest.mark.work(payload="x")
def test_the_guideline_in_force_is_there(client: Client, world: World) -> None:
    project = Project.objects.get(key="street")
    add_guideline(project, content="The first rule", effective_from=NOW, **world.by)
    later = utc_now() + timedelta(days=1)
    add_guideline(
        project, content="The second", change_note="all", effective_from=later, **world.by
    )
    page = page_of(client, next_work(client))
    assert "The first rule" in page
    assert "The second" not in page


def test_a_skip_says_why_and_goes_on(client: Client) -> None:
    row = next_work(client)
    path = f"/queue/work/{row.public_id}/skip/"
    page = client.post(path, {"reason": ""})
    assert page.status_code == 422
    assert "This field is required" in page.content.decode()
    answer = client.post(path, {"reason": "unclear", "note": "two rules"})
    row.refresh_from_db()
    assert (row.state, row.skip_reason, row.reason) == ("skipped", "unclear", "two rules")
    assert answer["Location"].startswith("/queue/work/")
    assert answer["Location"] != f"/queue/work/{row.public_id}/"
    # What was skipped is not shown any more.
    assert "not in your hands any more: skipped" in page_of(client, row)


@pytest.mark.work(project={"skip_to": "self"})
def test_what_was_put_off_comes_last(client: Client) -> None:
    row = next_work(client)
    answer = client.post(f"/queue/work/{row.public_id}/skip/", {"reason": "too_hard"})
    other = Assignment.objects.get(public_id=answer["Location"].split("/")[3])
    assert other.pk != row.pk
    home = client.get("/queue/").content.decode()
    assert home.index(str(other.public_id)) < home.index("Put off") < home.index(str(row.public_id))


def test_giving_back_frees_the_seat(client: Client) -> None:
    row = next_work(client)
    for _twice in range(2):
        answer = client.post(f"/queue/work/{row.public_id}/release/")
        assert answer["Location"] == "/queue/"
    row.refresh_from_db()
    assert row.state == "released"
    assert Placement.objects.get(task=row.task_id).taken == 0


def test_a_sign_of_life_renews_the_lease(client: Client) -> None:
    row = next_work(client)
    Assignment.objects.filter(pk=row.pk).update(lease_until=utc_now() + timedelta(minutes=1))
    answer = client.post(f"/queue/work/{row.public_id}/heartbeat/")
    assert answer.status_code == 200
    assert answer.json()["until"]
    row.refresh_from_db()
    assert row.lease_until > utc_now() + timedelta(minutes=20)
    client.post(f"/queue/work/{row.public_id}/release/")
    answer = client.post(f"/queue/work/{row.public_id}/heartbeat/")
    assert (answer.status_code, answer.json()["code"]) == (409, "assignment_over")


@pytest.mark.work(payload="Only while it is held")
def test_a_task_is_shown_only_while_it_is_held(client: Client) -> None:
    row = next_work(client)
    Assignment.objects.filter(pk=row.pk).update(
        reserved_at=utc_now() - timedelta(hours=2), lease_until=utc_now() - timedelta(hours=1)
    )
    page = page_of(client, row)
    assert "Only while it is held" not in page
    assert "expired" in page
    refused = client.post(f"/queue/work/{row.public_id}/skip/", {"reason": ""})
    assert "Only while it is held" not in refused.content.decode()


@pytest.mark.work(payload="Not yet")
def test_assigned_work_is_begun_before_it_is_seen(client: Client, world: World) -> None:
    row = claim(me(), acting_user=world.users["operations"], now=utc_now())[0]
    assert row.assigned_by == world.users["operations"]
    assert "Not yet" not in page_of(client, row)
    assert "assigned to you" in client.get("/queue/").content.decode()
    assert client.post(f"/queue/work/{row.public_id}/begin/").status_code == 302
    assert "Not yet" in page_of(client, row)


def test_nothing_to_do_says_so(client: Client) -> None:
    Placement.objects.update(opened=1, taken=1)
    answer = client.post("/queue/next/", follow=True)
    assert "There is no task for you right now" in answer.content.decode()


@pytest.mark.work(count=6)
def test_queries_do_not_grow_with_what_is_in_hand(client: Client, world: World) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get("/queue/").status_code == 200
        return len(seen)

    claim(me(), acting_user=world.users["operations"], now=utc_now())
    one = queries()
    claim(me(), count=4, acting_user=world.users["operations"], now=utc_now())
    assert queries() == one


@pytest.mark.work(payload="The same")
def test_gold_looks_like_work(client: Client) -> None:
    """Pages and answers of a label and of a gold task differ in nothing but their ids."""
    now = utc_now()
    (label,) = claim(me(), acting_user=me().user, now=now)
    looks = [all_of(client, label)]
    client.post(f"/queue/work/{label.public_id}/release/", follow=True)
    gold = take(
        me(),
        Task.objects.filter(state="open").exclude(pk=label.task_id).first(),
        purpose="gold",
        acting_user=me().user,
        now=now,
    )
    assert gold.purpose == "gold"
    looks.append(all_of(client, gold))
    assert looks[0] == looks[1]


def all_of(client: Client, row: Assignment) -> list[str]:
    """Return what somebody sees of an assignment on all ways, without its own id."""
    path = f"/queue/work/{row.public_id}/"
    seen = [client.get(path), client.get("/queue/"), client.post(f"{path}begin/")]
    assert next_work(client).pk == row.pk
    seen += [client.get(path), client.get("/queue/"), client.post(f"{path}heartbeat/")]
    seen.append(client.post(f"{path}skip/", {"reason": ""}))
    texts = [plain(page) + str(page.headers) for page in seen]
    return [text.replace(str(row.public_id), "") for text in texts]
