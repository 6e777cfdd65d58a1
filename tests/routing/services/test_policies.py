"""Policies: drafts, publication under four eyes, YAML in and out, messages by cell."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from common.errors import Conflict, Invalid
from routing.models import Policy
from routing.services.policies import (
    change_draft,
    create_draft,
    default_document,
    difference,
    parse_yaml,
    publish_policy,
    to_yaml,
)
from tests.conftest import World


def test_yaml_out_and_in_is_the_same() -> None:
    document = default_document()
    assert parse_yaml(to_yaml(document)) == document
    assert "modes: [model, outsourced, hybrid, in_house]" in to_yaml(document)


def test_yaml_is_written_in_one_order_whatever_the_database_keeps(world: World) -> None:
    document = default_document()
    turned = {key: document[key] for key in reversed(document)}
    turned["matrix"] = {band: turned["matrix"][band] for band in sorted(turned["matrix"])}
    assert to_yaml(turned) == to_yaml(document)
    draft = create_draft(world.add_project(), document, **world.by)
    draft.refresh_from_db()
    assert to_yaml(draft.document) == to_yaml(document)
    bands = [line.strip() for line in to_yaml(document).split("matrix:")[1].splitlines()]
    rows = [band for band in bands if band in ("low:", "medium:", "high:", "critical:")]
    assert rows[:5] == ["low:", "low:", "medium:", "high:", "critical:"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "no readable YAML"),
        ("a: 1\na: 2", "stands twice"),
        ("a: &x 1\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.system ['true']", "no readable YAML"),
        ("x" * 300_000, "256 KiB"),
    ],
)
def test_yaml_that_is_none(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        parse_yaml(text)


def empty_matrix(document: dict[str, Any]) -> None:
    document["matrix"] = {}


def empty_cell(document: dict[str, Any]) -> None:
    document["matrix"]["low"]["high"] = {}


def no_modes(document: dict[str, Any]) -> None:
    document["matrix"]["critical"]["critical"]["modes"] = []


def bad_target(document: dict[str, Any]) -> None:
    document["matrix"]["medium"]["low"]["target_error"] = 1.5


def strange_key(document: dict[str, Any]) -> None:
    document["matrics"] = {}


def newcomers(**values: Any) -> Any:
    def change(document: dict[str, Any]) -> None:
        document["newcomers"] = {"share": 0.1, "price": 2, **values}

    return change


def newcomers_without_price(document: dict[str, Any]) -> None:
    document["newcomers"] = {"share": 0.1}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (newcomers(share=1.5), "newcomers · share: 1.5 is not at least 0 and at most 1"),
        (newcomers(price=-1), "newcomers · price: -1 is not at least 0"),
        (newcomers(evidence=0), "newcomers · evidence: 0 is not a whole number of answers above 0"),
        (newcomers(max_risk="small"), "newcomers · max_risk: 'small' is not one of low, medium"),
        (newcomers(crews=3), "newcomers · crews: is not known"),
        (newcomers_without_price, "newcomers · price: is missing"),
        (empty_matrix, "matrix"),
        (empty_cell, "low.*high"),
        (no_modes, "critical.*critical"),
        (bad_target, "medium.*low"),
        (strange_key, "matrics"),
    ],
)
def test_publishing_names_the_cell(world: World, spoil: Any, words: str) -> None:
    project = world.add_project()
    document = default_document()
    spoil(document)
    draft = create_draft(project, document, **world.by)
    with pytest.raises(Invalid, match=words):
        publish_policy(draft, **world.as_("second"))
    assert Policy.objects.get(project=project, state="published").version == 1


def test_four_eyes_for_safety_critical_work(world: World) -> None:
    project = world.add_project()
    draft = create_draft(project, default_document(), **world.by)
    with pytest.raises(Invalid, match="second person"):
        publish_policy(draft, **world.by)
    world.users["operations"].is_superuser = True
    with pytest.raises(Invalid, match="second person"):
        publish_policy(draft, **world.by)
    alone = create_draft(project, default_document(), covers_safety_critical=False, **world.by)
    publish_policy(alone, **world.by)
    states = dict(Policy.objects.filter(project=project).values_list("version", "state"))
    assert states == {1: "retired", 2: "draft", 3: "published"}


def test_two_who_edit_one_draft(world: World) -> None:
    draft = create_draft(world.add_project(), default_document(), **world.by)
    seen = draft.document_hash
    change_draft(draft, {**default_document(), "wait_price": 9}, expected_hash=seen, **world.by)
    with pytest.raises(Conflict):
        change_draft(draft, default_document(), expected_hash=seen, **world.as_("second"))
    draft.refresh_from_db()
    assert draft.document["wait_price"] == 9
    assert difference(default_document(), draft.document) == [("wait_price", 25, 9)]


def test_who_saves_rules_unchanged_is_not_their_author(world: World) -> None:
    draft = create_draft(world.add_project(), default_document(), **world.by)
    seen = draft.document_hash
    change_draft(draft, draft.document, expected_hash=seen, note="read", **world.as_("second"))
    assert (draft.author, draft.note) == (world.users["operations"], "read")
    with pytest.raises(Invalid, match="second person"):
        publish_policy(draft, **world.by)
    changed = {**draft.document, "wait_price": 9}
    change_draft(draft, changed, expected_hash=seen, **world.as_("second"))
    assert draft.author == world.users["second"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"pools": ["in-hosue"]}, "pools: 'in-hosue' is no pool; 'in-house' is"),
        ({"pools": ["nowhere at all"]}, "pools: 'nowhere at all' is no pool$"),
        ({"share_caps": {"nobody": 0.5}}, "share_caps · nobody: there is no such vendor$"),
        ({"share_caps": {"alpa": 0.5}}, "no such vendor; 'alpha' is one"),
    ],
)
def test_pools_and_vendors_that_a_policy_names_exist(
    world: World, values: dict[str, Any], words: str
) -> None:
    project = world.add_project()
    draft = create_draft(project, {**default_document(), **values}, **world.by)
    with pytest.raises(Invalid, match=words):
        publish_policy(draft, **world.as_("second"))
    known = {"pools": ["in-house", "alpha"], "share_caps": {"alpha": 0.5, "beta": 1}}
    draft = create_draft(project, {**default_document(), **known}, **world.by)
    assert publish_policy(draft, **world.as_("second")).state == "published"


def test_keys_that_policies_and_files_name_stay(world: World) -> None:
    rows = (world.add_project(), world.vendors["alpha"], world.pools["alpha"])
    for row in rows:
        with pytest.raises(IntegrityError, match="The key of a"), transaction.atomic():
            type(row).objects.filter(pk=row.pk).update(key="other")


def test_the_commands(world: World, tmp_path: Path) -> None:
    project = world.add_project()
    path = tmp_path / "rules.yaml"
    call_command(
        "policy", "export", "--file", str(path), "--project", project.key, stdout=StringIO()
    )
    path.write_text(path.read_text().replace("wait_price: 25", "wait_price: 30"))
    call_command(
        "policy",
        "import",
        "--file",
        str(path),
        "--project",
        project.key,
        "--not-safety-critical",
        stdout=StringIO(),
    )
    call_command("policy", "publish", "--project", project.key, stdout=StringIO())
    published = Policy.objects.get(project=project, state="published")
    assert (published.version, published.document["wait_price"]) == (2, 30)
    path.write_text("a: [")
    with pytest.raises(CommandError, match="YAML"):
        call_command("policy", "import", "--file", str(path), "--project", project.key)
    with pytest.raises(CommandError, match="no project"):
        call_command("policy", "export", "--project", "none")


@pytest.mark.parametrize(("shares", "reviewed"), [([0], False), ([1], True)])
def test_a_grid_without_reviews_or_with_nothing_else_is_routed(
    world: World, shares: list[float], reviewed: bool
) -> None:
    """A pair of crews without any option in the grid once stopped the run."""

    def rules(document: dict[str, Any]) -> None:
        document["review_shares"] = shares

    world.add_tasks(world.add_project(rules=rules), 3)
    report = world.route("street")
    assert report.routed == 3
    (chosen,) = report.examples[0]["chosen"]
    assert (chosen["review"] is not None) is reviewed
