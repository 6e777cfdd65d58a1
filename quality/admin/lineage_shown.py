"""What the page of a lineage shows: the document of `reports.lineage` in words and tables."""

from datetime import date, datetime
from typing import Any

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from accounts.models import User
from accounts.permissions import can
from quality.admin.lineage_checks_shown import (
    check_tables,
    decision_table,
    event_table,
    hold_table,
    step_table,
)
from quality.admin.tables import Head, number, table
from quality.choices import JudgmentSource, LabelBy
from routing.choices import Purpose, TaskState
from routing.models import Decision
from vendors.choices import AttestationKind, AttestationState
from workforce.choices import AnnotatorKind, PoolKind

NOT_KNOWN = {
    "given_at": _l("when it was given: the time is that of the import"),
    "seconds": _l("how long it took"),
    "guideline": _l("under which guideline version"),
    "assignment": _l("that it was given to this person by anybody here"),
    "decision": _l("why it went to this person"),
    "gates": _l("whether any gate was asked: what is proven below was not looked at then"),
}
NOT_SHOWN = {
    "gold": _l("Your role does not show whether the task is gold."),
    "adjudications": _l("Your role does not show adjudications."),
}


def page_of(found: dict[str, Any], user: User) -> dict[str, Any]:
    """Return the context of the page of a lineage document."""
    label = found["label"]
    return {
        "figures": _figures(found),
        "label": label,
        "earlier": _labels(found),
        "answers": [_answer(row, place) for place, row in enumerate(found["answers"], start=1)],
        "checks": check_tables(found),
        "decisions": decision_table(found["decisions"], _pages(found)),
        "holds": hold_table(found["assignments"]),
        "steps": step_table(found["steps"]),
        "events": event_table(found["events"]) if found["events"] else None,
        "opens_events": can(user, "events.view"),
        "not_shown": [NOT_SHOWN[name] for name in found["not_shown"]],
    }


def _pages(found: dict[str, Any]) -> dict[str, str]:
    """Return where the decisions of a document are explained."""
    rows = Decision.objects.filter(public_id__in=[row["id"] for row in found["decisions"]])
    return {
        str(public): reverse("admin:routing_decision_change", args=[pk])
        for public, pk in rows.values_list("public_id", "pk")
    }


def when(text: str | None) -> str:
    """Return an instant of the document as people read it, a dash for none."""
    return "–" if not text else date_format(datetime.fromisoformat(text), "DATETIME_FORMAT")


def day(text: str | None) -> str:
    """Return a day of the document as people read it."""
    return "–" if not text else date_format(date.fromisoformat(text), "DATE_FORMAT")


def _figures(found: dict[str, Any]) -> list[dict[str, Any]]:
    label, task = found["label"], found["task"]
    accepted = label["value"] or _("an answer without a label") if label else _("no label in force")
    return [
        {
            "title": _("label in force"),
            "value": accepted,
            "notes": [
                _("by: %(by)s") % {"by": LabelBy(label["by"]).label},
                _("accepted %(at)s") % {"at": when(label["accepted_at"])},
                *(
                    [_("right with probability %(p)s") % {"p": f"{label['probability']:.3f}"}]
                    if label["probability"] is not None
                    else []
                ),
            ]
            if label
            else [],
        },
        {
            "title": _("state"),
            "value": TaskState(task["state"]).label,
            "notes": [_("attempt %(n)s") % {"n": task["attempt"]}],
        },
        {
            "title": _("answers"),
            "value": number(len(found["answers"])),
            "notes": [
                _("%(n)s imported")
                % {"n": sum(row["source"] == "import" for row in found["answers"])}
            ],
        },
        {
            "title": _("quality reviews"),
            "value": number(sum(row["state"] == "done" for row in found["reviews"])),
            "notes": [],
        },
    ]


def _labels(found: dict[str, Any]) -> dict[str, Any] | None:
    if len(found["labels"]) < 2 and found["label"] is not None:
        return None
    rows = [
        [
            row["value"] or "–",
            LabelBy(row["by"]).label,
            number(row["attempt"]),
            when(row["accepted_at"]),
            when(row["ended_at"]),
        ]
        for row in reversed(found["labels"])
    ]
    heads = [
        Head(_("label")),
        Head(_("by")),
        Head(_("attempt"), number=True),
        Head(_("accepted")),
        Head(_("ended")),
    ]
    return table(_("All labels the task ever had"), heads, rows, empty=_("None was accepted yet."))


def _answer(row: dict[str, Any], place: int) -> dict[str, Any]:
    by, skill, time = row["by"], row["skill"], row["time"]
    who = f"{by['name']} · {AnnotatorKind(by['kind']).label} · {by['pool']}"
    facts: list[tuple[Any, Any]] = [
        (_("given by"), f"{who} ({PoolKind(by['pool_kind']).label})"),
    ]
    if by["model"] is not None:
        facts.append(
            (
                _("model"),
                f"{by['model']['name']} {by['model']['version']} · "
                f"{_('prompt')} {by['model']['prompt_sha256']}",
            )
        )
    facts += [
        (_("handed in"), f"{when(row['submitted_at'])} · {JudgmentSource(row['source']).label}"),
        (_("asked for as"), Purpose(row["purpose"]).label if row["purpose"] else "–"),
        (_("guideline"), _guideline(row)),
        (_("seconds"), _seconds(time)),
        (_("skill then"), _skill(skill)),
        (_("certificates then"), _certificates(row)),
    ]
    if by["vendor"] is not None:
        facts.append((_("attestations of the vendor then"), _attestations(row)))
    if row["confidence"] is not None:
        facts.append((_("own confidence"), f"{row['confidence']:.2f}"))
    if row["corrects"]:
        facts.append((_("corrects"), row["corrects"]))
    caption = _("Answer %(n)s: %(label)s") % {"n": place, "label": row["label"] or _("no label")}
    rows = [[title, value] for title, value in facts]
    return {
        "id": row["id"],
        "table": table(caption, [Head(_("what")), Head(_("as it stood"))], rows),
        "not_known": [NOT_KNOWN[name] for name in row["not_known"]],
    }


def _guideline(row: dict[str, Any]) -> str:
    version = row["guideline"]
    if version is None:
        return str(_("not known")) if row["not_known"] else str(_("none in force"))
    return f"v{version['version']} · {version['sha256'][:16]}…"


def _seconds(time: dict[str, Any]) -> str:
    if time["raw_seconds"] is None and time["billable_seconds"] is None:
        return str(_("not known"))
    words = _("%(raw)s raw, %(billable)s billable") % {
        "raw": number(time["raw_seconds"], 1),
        "billable": number(time["billable_seconds"], 1),
    }
    parts = [words, *([time["rule"]] if time["rule"] else [])]
    faults = [f"{fault['code']} {number(fault['seconds'], 1)}" for fault in time["faults"]]
    return " · ".join([*parts, *faults])


def _skill(skill: dict[str, Any]) -> str:
    if skill["level"] is None:
        return _("%(skill)s: no level was verified") % {"skill": skill["key"]}
    words = _("%(skill)s %(level)s, verified by %(by)s, %(at)s") % {
        "skill": skill["key"],
        "level": skill["level"],
        "by": skill["verified_by"] or "–",
        "at": when(skill["verified_at"]),
    }
    tried = skill["qualification"]
    if tried is None:
        return words
    return f"{words} · " + _("%(set)s: %(right)s of %(asked)s right") % tried


def _certificates(row: dict[str, Any]) -> str:
    found = [
        f"{one['type']} ({one['issuer']}, "
        + (
            _("until %(day)s") % {"day": day(one["valid_until"])}
            if one["valid_until"]
            else str(_("without end"))
        )
        + f"): {_('valid') if one['valid'] else _('not in force')}"
        + (f", {_('required')}" if one["required"] else "")
        for one in row["certificates"]
    ]
    return "; ".join(found) or str(_("none was verified"))


def _attestations(row: dict[str, Any]) -> str:
    found = [
        f"{AttestationKind(one['kind']).label}: {AttestationState(one['state']).label}"
        + (f", {_('until %(day)s') % {'day': day(one['last_day'])}}" if one["last_day"] else "")
        + (f", {_('required')}" if one["required"] else "")
        for one in row["attestations"]
    ]
    return "; ".join(found) or str(_("none was verified, none is required"))
