"""The tables of a profile beside its pictures: by kind of work, checks, proofs, watch."""

from typing import Any

import pandas as pd
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from common.languages import translated
from quality.admin.profile_links import Links
from quality.admin.tables import Cell, Head, number, span, table
from quality.choices import ReviewOutcome, Severity
from quality.reports.profile import Profile
from quality.reports.profile_facts import Facts

SHOWN_PAIRS = 20
SHOWN_OUTPUTS = 12


def tables_of(found: Profile, facts: Facts, link: Links) -> list[dict[str, Any] | None]:
    """Return the tables; None where the reader may not see one, or it has no sense."""
    return [
        _types(found, link),
        _outputs(found),
        _reviews(found, link),
        _errors(found, link),
        _agreement(found),
        _held_skills(facts),
        _certificates(facts),
        _attestations(facts) if found.annotator.pool.vendor_id is not None else None,
        _alarms(facts),
        _pauses(facts),
        _statuses(facts),
    ]


def _types(found: Profile, link: Links) -> dict[str, Any]:
    rows = [
        [
            row["task_type_name"],
            *(
                Cell(
                    number(row[name]),
                    link.rows(name, task_type=row["task_type"]) if row[name] else "",
                )
                for name in ("answers", "accepted", "rejected")
            ),
            Cell(number(row["per_hour"], 1), note=span(row["hour_lower"], row["hour_upper"], 1)),
            Cell(f"{row['speed']:.2f} ×", note=span(row["speed_lower"], row["speed_upper"], 2))
            if row["timed"]
            else "–",
        ]
        for row in found.by_type.to_dict("records")
    ]
    heads = [
        Head(_("task type")),
        Head(_("answers"), number=True),
        Head(_("accepted"), number=True),
        Head(_("rejected"), number=True),
        Head(_("accepted an hour"), number=True),
        Head(_("time over the expected"), number=True),
    ]
    return table(_("By task type"), heads, rows, empty=_("No work in this time."))


def _outputs(found: Profile) -> dict[str, Any]:
    rows = [
        [
            date_format(row["as_of"], "DATE_FORMAT"),
            row["skill"],
            Cell(number(row["per_hour"], 1), note=_ends(row, "hour", 1)),
            Cell(number(row["per_day"], 1), note=_ends(row, "day", 1)),
            Cell(number(row["speed"], 2), note=span(row["speed_lower"], row["speed_upper"], 2)),
            number(row["accepted"]),
            number(row["days"]),
            number(row["trusted_hours"], 1),
        ]
        for row in found.outputs.head(SHOWN_OUTPUTS).to_dict("records")
    ]
    heads = [
        Head(_("as of"), tight=True),
        Head(_("skill")),
        Head(_("accepted an hour"), number=True),
        Head(_("accepted a day worked"), number=True),
        Head(_("time over the expected"), number=True),
        Head(_("accepted"), number=True),
        Head(_("days worked"), number=True),
        Head(_("trusted hours"), number=True),
    ]
    caption = _("Throughput kept, of the last 90 days each, the newest first")
    return table(caption, heads, rows, empty=_("Nothing was measured yet: it is by night."))


def _ends(row: dict[str, Any], what: str, places: int) -> str:
    """Return an interval whose upper end may be none."""
    if pd.isna(row[f"per_{what}"]):
        return ""
    lower, upper = row[f"{what}_lower"], row[f"{what}_upper"]
    end = "∞" if pd.isna(upper) else number(upper, places)
    return f"{number(lower, places)} – {end}"


def _reviews(found: Profile, link: Links) -> dict[str, Any] | None:
    if found.reviews.columns.empty:
        return None
    rows = [
        [
            row["name"],
            *(number(row[outcome]) for outcome in ReviewOutcome.values),
            Cell(number(row["all"]), link.rows("reviews", why=row["why"])),
        ]
        for row in found.reviews.to_dict("records")
    ]
    outcomes = [Head(str(one.label), number=True) for one in ReviewOutcome]
    heads = [Head(_("why it was drawn")), *outcomes, Head(_("all"), number=True)]
    caption = _("Quality reviews of their answers; only random draws tell how often they err")
    return table(caption, heads, rows, empty=_("No answer was reviewed in this time."))


def _errors(found: Profile, link: Links) -> dict[str, Any] | None:
    if found.errors.columns.empty and found.reviews.columns.empty:
        return None
    rows = [
        [
            row["name"],
            *(
                Cell(
                    number(row[one]),
                    link.rows("reviews", category=row["category"], severity=one)
                    if row[one]
                    else "",
                )
                for one in Severity.values
            ),
            Cell(number(row["all"]), link.rows("reviews", category=row["category"])),
        ]
        for row in found.errors.to_dict("records")
    ]
    heads = [
        Head(_("error")),
        *(Head(str(one.label), number=True) for one in Severity),
        Head(_("all"), number=True),
    ]
    return table(_("Errors by category and severity"), heads, rows, empty=_("No error was found."))


def _agreement(found: Profile) -> dict[str, Any]:
    rows = [
        [
            Cell(row["other"], reverse("admin:quality_agreement_change", args=[row["agreement"]])),
            f"{row['project']} · {row['task_type']}"
            + (f" · {row['field']}" if row["field"] else ""),
            number(row["units"]),
            number(row["observed"], 3),
            number(row["kappa"], 3),
            span(row["lower"], row["upper"]),
        ]
        for row in found.agreement.head(SHOWN_PAIRS).to_dict("records")
    ]
    heads = [
        Head(_("with")),
        Head(_("in")),
        Head(_("tasks in common"), number=True),
        Head(_("alike"), number=True),
        Head("κ", number=True),
        Head(_("95 % interval"), number=True),
    ]
    caption = _("Agreement with others, as last measured, most tasks in common first")
    return table(caption, heads, rows, empty=_("No agreement with anybody was measured."))


def _held_skills(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["skill"],
            number(row["level"]),
            row["state"],
            row["by"] or "–",
            "–" if pd.isna(row["at"]) else date_format(row["at"], "DATE_FORMAT"),
        ]
        for row in facts.skills.to_dict("records")
    ]
    heads = [
        Head(_("skill")),
        Head(_("level"), number=True),
        Head(_("state")),
        Head(_("by")),
        Head(_("when")),
    ]
    return table(_("Skills held"), heads, rows, empty=_("No skill is declared."))


def _certificates(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            Cell(row["type"], reverse("admin:workforce_certification_change", args=[row["id"]])),
            row["issuer"],
            row["state"],
            Cell(
                date_format(row["valid_until"], "DATE_FORMAT")
                if row["valid_until"]
                else _("no end"),
                note=_left(row["days_left"]),
            ),
            _("yes") if row["counts"] else _("no"),
        ]
        for row in facts.certificates.to_dict("records")
    ]
    heads = [
        Head(_("certificate")),
        Head(_("issuer")),
        Head(_("state")),
        Head(_("last day")),
        Head(_("counts")),
    ]
    return table(_("Certificates"), heads, rows, empty=_("No certificate is recorded."))


def _left(days: Any) -> str:
    if pd.isna(days):
        return ""
    if days <= 0:
        return _("lapsed")
    return ngettext("%(n)s day left", "%(n)s days left", int(days)) % {"n": f"{int(days):,}"}


def _attestations(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["kind"],
            row["state"],
            date_format(row["last_day"], "DATE_FORMAT") if row["last_day"] else _("no end"),
            _("yes") if row["counts"] else _("no"),
        ]
        for row in facts.attestations.to_dict("records")
    ]
    heads = [Head(_("attestation")), Head(_("state")), Head(_("last day")), Head(_("counts"))]
    return table(_("Attestations of their vendor"), heads, rows, empty=_("None is recorded."))


def _alarms(facts: Facts) -> dict[str, Any] | None:
    if facts.alarms is None:
        return None
    rows = [
        [
            Cell(row["kind"], reverse("admin:quality_alarm_change", args=[row["id"]])),
            translated(row["text"]),
            row["state"],
            row["outcome"] or "–",
            date_format(row["at"], "DATETIME_FORMAT"),
        ]
        for row in facts.alarms.to_dict("records")
    ]
    heads = [
        Head(_("alarm")),
        Head(_("what was found")),
        Head(_("state")),
        Head(_("outcome")),
        Head(_("last raised")),
    ]
    return table(_("Alarms"), heads, rows, empty=_("No alarm in this time."))


def _pauses(facts: Facts) -> dict[str, Any] | None:
    if facts.pauses is None:
        return None
    rows = [
        [
            Cell(row["skill"], reverse("admin:quality_pauseproposal_change", args=[row["id"]])),
            row["state"],
            _("%(wrong)s of %(n)s wrong") % {"wrong": row["errors"], "n": row["answers"]},
            date_format(row["at"], "DATETIME_FORMAT"),
            "–" if pd.isna(row["until"]) else date_format(row["until"], "DATE_FORMAT"),
        ]
        for row in facts.pauses.to_dict("records")
    ]
    heads = [
        Head(_("skill")),
        Head(_("state")),
        Head(_("evidence")),
        Head(_("proposed")),
        Head(_("paused until")),
    ]
    return table(_("Proposed pauses"), heads, rows, empty=_("No pause was proposed in this time."))


def _statuses(facts: Facts) -> dict[str, Any]:
    rows = [
        [
            row["status"],
            date_format(row["at"], "DATETIME_FORMAT"),
            "–" if pd.isna(row["until"]) else date_format(row["until"], "DATE_FORMAT"),
            row["reason"] or "–",
            row["by"],
        ]
        for row in facts.statuses.to_dict("records")
    ]
    heads = [Head(_("status")), Head(_("when")), Head(_("until")), Head(_("reason")), Head(_("by"))]
    return table(_("Changes of status"), heads, rows, empty=_("No change in this time."))
