"""The catalogue: task types, skills, kinds of certificate and domains from a file of YAML."""

from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from common.errors import Invalid
from routing.models import Domain, TaskType
from routing.services.policies import parse_yaml
from workforce.models import CertificationType, Skill

DEFAULT_FILE = Path(__file__).resolve().parent.parent / "catalogue.yaml"


@transaction.atomic
def load_catalogue(
    path: Path = DEFAULT_FILE, *, acting_user: User, now: datetime
) -> dict[str, int]:
    """Add what is missing; what exists is left as people have made it. Returns counts made.

    Raises
    ------
    Invalid
        If the file is no such catalogue; the text names the entry.
    """
    require(acting_user, "catalogue.manage")
    document = parse_yaml(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise Invalid(_("A catalogue is a mapping."), field="file", rule="mapping")
    made = {"skills": 0, "certificates": 0, "domains": 0, "task_types": 0}
    for key, name in _entries(document, "skills"):
        made["skills"] += _add(Skill, key, {"name": name})
    for key, name in _entries(document, "certificates"):
        made["certificates"] += _add(CertificationType, key, {"name": name})
    for key, entry in _entries(document, "domains"):
        made["domains"] += _add(Domain, key, _domain(key, entry))
    answers = dict(_entries(document, "answers"))
    for key, entry in _entries(document, "task_types"):
        made["task_types"] += _add(TaskType, key, _task_type(key, entry, answers))
    if any(made.values()):
        record_event("catalogue.loaded", acting_user=acting_user, now=now, made=made)
    return made


def _entries(document: dict[str, Any], part: str) -> list[tuple[str, Any]]:
    entries = document.get(part) or {}
    if not isinstance(entries, dict):
        raise Invalid(_("%(part)s is a mapping.") % {"part": part}, field=part, rule="mapping")
    return list(entries.items())


def _add(model: Any, key: str, values: dict[str, Any]) -> bool:
    if model.objects.filter(key=key).exists():
        return False
    row = model(key=key, **values)
    try:
        row.full_clean()
    except ValidationError as error:
        text = "; ".join(f"{name}: {' '.join(words)}" for name, words in error.message_dict.items())
        raise Invalid(
            _("%(key)s: %(text)s") % {"key": key, "text": text}, field=key, rule="valid"
        ) from error
    row.save()
    return True


def _domain(key: str, entry: Any) -> dict[str, Any]:
    certificate = _get(key, entry, "certificate")
    return {
        "name": _get(key, entry, "name"),
        "certification": _find(CertificationType, key, certificate) if certificate else None,
        "expertise": _get(key, entry, "expertise"),
    }


def _task_type(key: str, entry: Any, answers: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": _get(key, entry, "name"),
        "modality": _get(key, entry, "modality"),
        "quantity_unit": _get(key, entry, "unit"),
        "effort_base_seconds": _get(key, entry, "base"),
        "effort_unit_seconds": _get(key, entry, "per_unit"),
        "typical_size": _get(key, entry, "typical"),
        "metric": _get(key, entry, "metric"),
        "threshold": _get(key, entry, "threshold"),
        "classes": _get(key, entry, "classes"),
        **_tokens(key, entry),
        "skill": _find(Skill, key, _get(key, entry, "skill")),
        "answer_schema": _answer_schema(key, entry, answers),
    }


def _answer_schema(key: str, entry: Any, answers: dict[str, Any]) -> Any:
    """Return the schema that an entry names or spells out; none is asked for where it does not."""
    named = entry.get("answer", {})
    if not isinstance(named, str):
        return named
    if named not in answers:
        raise Invalid(
            _("%(key)s: there is no answer %(named)s.") % {"key": key, "named": named},
            field=f"{key}.answer",
            rule="known",
        )
    return answers[named]


def _tokens(key: str, entry: Any) -> dict[str, Any]:
    """Return what a model reads and writes: [for an item, for each unit] of both, if it is said."""
    tokens = entry.get("tokens") or {"reads": [0, 0], "writes": [0, 0]}
    try:
        (in_item, in_unit), (out_item, out_unit) = tokens["reads"], tokens["writes"]
    except (KeyError, TypeError, ValueError) as error:
        raise Invalid(
            _("%(key)s: tokens are reads: [item, unit] and writes: [item, unit].") % {"key": key},
            field=f"{key}.tokens",
            rule="tokens",
        ) from error
    return {
        "tokens_in_item": in_item,
        "tokens_in_unit": in_unit,
        "tokens_out_item": out_item,
        "tokens_out_unit": out_unit,
    }


def _get(key: str, entry: Any, name: str) -> Any:
    if not isinstance(entry, dict) or name not in entry:
        raise Invalid(
            _("%(key)s: %(name)s is missing.") % {"key": key, "name": name},
            field=f"{key}.{name}",
            rule="required",
        )
    return entry[name]


def _find(model: Any, key: str, wanted: str) -> Any:
    found = model.objects.filter(key=wanted).first()
    if found is None:
        raise Invalid(
            _("%(key)s: there is no %(wanted)s.") % {"key": key, "wanted": wanted},
            field=key,
            rule="known",
        )
    return found
