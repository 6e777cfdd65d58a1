"""Which version of a policy a run goes by, and what it may cover."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from common.errors import Conflict, Invalid
from routing.models import Policy, Project, Run, RunProject
from routing.services import run as running
from routing.services.policies import create_draft, default_document, publish_policy
from tests.conftest import World


@pytest.fixture
def project(world: World) -> Project:
    project: Project = world.add_project()
    world.add_tasks(project, 4)
    return project


def no_gates(**values: Any) -> dict[str, Any]:
    return {**default_document(), "gates": {}, **values}


def test_a_draft_makes_no_run_but_may_be_looked_at(world: World, project: Project) -> None:
    create_draft(project, no_gates(), **world.by)
    with pytest.raises(Invalid, match="only a published policy"):
        world.route("street", policy_version=2)
    assert not Run.objects.exists()
    assert world.route("street", policy_version=2, dry_run=True).routed == 4
    with pytest.raises(CommandError, match="only a published policy"):
        call_command("route", "--project", "street", "--policy", "2", stdout=StringIO())


def test_a_retired_policy_makes_no_run_either(world: World, project: Project) -> None:
    publish_policy(create_draft(project, no_gates(), **world.by), **world.as_("second"))
    with pytest.raises(Invalid, match="only a published policy"):
        world.route("street", policy_version=1)
    assert world.route("street", policy_version=2).routed == 4


@pytest.mark.parametrize(
    ("values", "words"),
    [({"matrix": {}}, "matrix: is empty"), ({"pools": 3}, "pools: must be a list of pool keys")],
)
def test_a_draft_with_problems_is_named_not_tried(
    world: World, project: Project, values: dict[str, Any], words: str
) -> None:
    create_draft(project, no_gates(**values), **world.by)
    with pytest.raises(Invalid, match=words):
        world.route("street", policy_version=2, dry_run=True)


def test_the_database_refuses_a_run_by_a_draft(world: World, project: Project) -> None:
    world.route("street")
    run = Run.objects.get()
    draft = create_draft(project, no_gates(), **world.by)
    RunProject.objects.filter(run=run).delete()
    with pytest.raises(IntegrityError, match="published"), transaction.atomic():
        RunProject.objects.create(run=run, project=project, policy=draft)
    other = world.add_project("other")
    theirs = Policy.objects.get(project=other)
    with pytest.raises(IntegrityError, match="published"), transaction.atomic():
        RunProject.objects.create(run=run, project=project, policy=theirs)
    with connection.cursor() as cursor, pytest.raises(IntegrityError), transaction.atomic():
        cursor.execute(
            "INSERT INTO routing_runproject (run_id, project_id, policy_id) VALUES (%s, %s, %s)",
            [run.pk, project.pk, draft.pk],
        )


def test_a_policy_published_while_the_run_begins(
    world: World, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = create_draft(project, no_gates(), **world.by)

    def meanwhile(*args: Any) -> str:
        publish_policy(later, **world.as_("second"))
        return "EUR"

    monkeypatch.setattr(running, "check_currency", meanwhile)
    with pytest.raises(Conflict, match="published meanwhile"):
        world.route("street")
    assert not Run.objects.exists()


@pytest.mark.parametrize(("covers", "waiting"), [(True, 0), (False, 3)])
def test_safety_critical_work_waits_for_a_policy_that_covers_it(
    world: World, covers: bool, waiting: int
) -> None:
    """Who publishes alone says that the policy covers none: then none is routed by it."""
    project = world.add_project()
    draft = create_draft(project, default_document(), covers_safety_critical=covers, **world.by)
    publish_policy(draft, **(world.as_("second") if covers else world.by))
    world.add_tasks(project, 3, use="safety_critical")
    world.add_tasks(project, 2, use="business_critical")
    report = world.route("street")
    assert (report.routed, report.waiting) == (5 - waiting, waiting)
    if not covers:
        (row,) = report.waiting_reasons
        assert row["reason"] == "gate: policy does not cover safety-critical work"
        assert "second person" in row["opens"]
