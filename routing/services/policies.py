"""Policies: drafts, publication under four eyes, YAML in and out."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Conflict, Invalid
from common.languages import translated
from routing.choices import PolicyState
from routing.core.policy_check import ORDER, unknown_keys, validate
from routing.models import Policy, Project
from vendors.models import Vendor
from workforce.models import Pool

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "default_policy.yaml"
MAX_BYTES = 256 * 1024


class _Loader(yaml.SafeLoader):
    """Safe YAML in which a key given twice is an error, and aliases are refused."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.YAMLError(f"aliases are not allowed (line {event.start_mark.line + 1})")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key_node, _value in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise yaml.YAMLError(f"{key!r} stands twice (line {line})")
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> Any:
    """Read a policy document.

    Raises
    ------
    Invalid
        If the text is too long, no YAML, or names a key twice.
    """
    if len(text.encode()) > MAX_BYTES:
        raise Invalid(_("A policy has at most 256 KiB."), field="document", rule="size")
    try:
        return yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        raise Invalid(
            _("This is no readable YAML: %(error)s") % {"error": error},
            field="document",
            rule="yaml",
        ) from error


def to_yaml(document: Mapping[str, Any]) -> str:
    """Write a policy document as YAML that reads back equal, in the order of the default rules."""
    return str(
        yaml.safe_dump(
            _in_order(document),
            sort_keys=False,
            allow_unicode=True,
            width=100,
            # Lists and innermost mappings on one line: a cell of the matrix reads as a row.
            default_flow_style=None,
        )
    )


def _in_order(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_order(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    place = {name: number for number, name in reversed(list(enumerate(ORDER)))}
    keys = sorted(value, key=lambda key: (place.get(key, len(ORDER)), str(key)))
    return {key: _in_order(value[key]) for key in keys}


@lru_cache(maxsize=1)
def _default_text() -> str:
    return DEFAULT_FILE.read_text(encoding="utf-8")


def default_document() -> dict[str, Any]:
    """Return a fresh copy of the document that a new project starts from."""
    return dict(parse_yaml(_default_text()))


def document_hash(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document's canonical JSON."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return (path, old, new) of every value that differs; a missing one is None."""
    changes: list[tuple[str, Any, Any]] = []

    def walk(path: str, a: Any, b: Any) -> None:
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            for key in [*a, *(k for k in b if k not in a)]:
                walk(f"{path} · {key}" if path else str(key), a.get(key), b.get(key))
        elif a != b:
            changes.append((path, a, b))

    walk("", old, new)
    return changes


@transaction.atomic
def create_draft(
    project: Project,
    document: Mapping[str, Any],
    *,
    note: str = "",
    covers_safety_critical: bool = True,
    acting_user: User,
    now: datetime,
) -> Policy:
    """Make the next version of a project's policy as a draft; it may still be invalid."""
    require(acting_user, "policies.edit")
    if not isinstance(document, Mapping):
        raise Invalid(_("A policy is a mapping."), field="document", rule="mapping")
    # The project's row is the lock: two drafts made at once get two numbers.
    Project.objects.select_for_update().get(pk=project.pk)
    last = Policy.objects.filter(project=project).order_by("-version").first()
    policy = Policy.objects.create(
        project=project,
        version=(last.version if last else 0) + 1,
        document=dict(document),
        document_hash=document_hash(document),
        note=note,
        covers_safety_critical=covers_safety_critical,
        author=acting_user,
        created_at=now,
    )
    _record("policy.drafted", policy, acting_user, now)
    return policy


@transaction.atomic
def change_draft(
    policy: Policy,
    document: Mapping[str, Any],
    *,
    expected_hash: str,
    note: str | None = None,
    acting_user: User,
    now: datetime,
) -> Policy:
    """Replace a draft's document; `expected_hash` is that of the document that was edited.

    Who changes the rules becomes their author.

    Raises
    ------
    Conflict
        If somebody changed or published it meanwhile: nothing is written.
    """
    require(acting_user, "policies.edit")
    values: dict[str, Any] = {
        "document": dict(document),
        "document_hash": document_hash(document),
    }
    if values["document_hash"] != expected_hash:
        # Who saves the rules as they were has not written them: the author may not publish them.
        values["author"] = acting_user
    if note is not None:
        values["note"] = note
    changed = Policy.objects.filter(
        pk=policy.pk, state=PolicyState.DRAFT, document_hash=expected_hash
    ).update(**values)
    if not changed:
        raise Conflict(_("The draft was changed or published meanwhile; load it again."))
    policy.refresh_from_db()
    # update() passes the history by: it is written here.
    Policy.history.bulk_history_create([policy], update=True, default_user=acting_user)
    _record("policy.changed", policy, acting_user, now)
    return policy


@transaction.atomic
def publish_policy(policy: Policy, *, acting_user: User, now: datetime) -> Policy:
    """Put a draft in force and retire the one before it.

    Raises
    ------
    Invalid
        If the document has problems (each names its cell), names pools or vendors that do not
        exist, or the author publishes a policy that covers safety-critical work.
    Conflict
        If it is no draft any more, or another one was published at the same time.
    """
    require(acting_user, "policies.publish")
    Project.objects.select_for_update().get(pk=policy.project_id)
    policy.refresh_from_db()
    if policy.state != PolicyState.DRAFT:
        raise Conflict(_("Only a draft can be published."))
    problems = validate(policy.document) or unknown_keys(
        policy.document,
        set(Pool.objects.values_list("key", flat=True)),
        set(Vendor.objects.values_list("key", flat=True)),
    )
    if problems:
        listed = [f"{problem.path}: {translated(problem.message)}" for problem in problems]
        raise Invalid(
            _("The policy cannot be published: %(problems)s") % {"problems": "; ".join(listed)},
            field="document",
            rule="valid",
            problems=listed,
        )
    if policy.covers_safety_critical and policy.author_id == acting_user.pk:
        raise Invalid(
            _("A policy that covers safety-critical work is published by a second person."),
            field="published_by",
            rule="four_eyes",
        )
    for old in Policy.objects.filter(project=policy.project_id, state=PolicyState.PUBLISHED):
        old.state, old.retired_at = PolicyState.RETIRED, now
        old.save(update_fields=["state", "retired_at"])
    policy.state, policy.published_by, policy.published_at = (
        PolicyState.PUBLISHED,
        acting_user,
        now,
    )
    try:
        with transaction.atomic():
            policy.save(update_fields=["state", "published_by", "published_at"])
    except IntegrityError as error:
        raise Conflict(_("Another policy was published at the same time.")) from error
    _record("policy.published", policy, acting_user, now)
    return policy


def _record(kind: str, policy: Policy, acting_user: User, now: datetime) -> None:
    record_event(
        kind,
        acting_user=acting_user,
        now=now,
        subject="policy",
        subject_id=policy.public_id,
        project=str(policy.project.public_id),
        version=policy.version,
        document=policy.document_hash,
    )
