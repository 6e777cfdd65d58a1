"""The tables of a lineage page: checks, decisions, holds, steps, events."""

from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from quality.admin.tables import Cell, Head, number, table
from quality.choices import (
    AdjudicationWhy,
    ErrorCategory,
    GoldSource,
    LotState,
    RelabelWhy,
    ReviewOutcome,
    ReviewState,
    ReviewWhy,
    Severity,
)
from routing.choices import AssignmentState, Band, Mode, Purpose, SkipReason, TaskState


def _when(text: str | None) -> str:
    return "–" if not text else date_format(datetime.fromisoformat(text), "DATETIME_FORMAT")


def check_tables(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the tables of what was done with the answers; those that say nothing are left out."""
    tables = [
        _reviews(found["reviews"]),
        _draws(found["draws"]),
        _adjudications(found["adjudications"]),
        _audits(found["audits"]),
        _relabels(found["relabels"]),
        _gold(found["gold"]),
    ]
    return [one for one in tables if one["rows"]]


def _reviews(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            Cell(
                ReviewOutcome(row["outcome"]).label
                if row["outcome"]
                else ReviewState(row["state"]).label,
                note=_("second review") if row["number"] > 1 else "",
            ),
            Cell(
                ReviewWhy(row["why"]).label,
                note=""
                if row["probability"] is None
                else _("drawn with probability %(p)s") % {"p": f"{row['probability']:.3g}"},
            ),
            " · ".join(
                str(word)
                for word in (
                    ErrorCategory(row["error"]).label if row["error"] else "",
                    Severity(row["severity"]).label if row["severity"] else "",
                    row["corrected_label"] or "",
                )
                if word
            )
            or "–",
            Cell(row["reviewer"] or "–", note=row["reviewer_pool"] or ""),
            number(row["billable_seconds"], 1),
            _when(row["decided_at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("outcome")),
        Head(_("why it was drawn")),
        Head(_("error, and what is right")),
        Head(_("by")),
        Head(_("seconds"), number=True),
        Head(_("decided")),
    ]
    return table(_("Quality reviews"), heads, shown)


def _draws(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            number(row["attempt"]),
            number(row["certainty"], 3),
            number(row["probability"], 3),
            _("yes") if row["drawn"] else _("no"),
            _when(row["at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("attempt"), number=True),
        Head(_("certainty"), number=True),
        Head(_("chance of a review"), number=True),
        Head(_("drawn")),
        Head(_("when")),
    ]
    return table(_("Draws of reviews, the least certain first"), heads, shown)


def _adjudications(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            row["label"] or (_("cancelled") if row["cancelled_at"] else _("not decided")),
            AdjudicationWhy(row["why"]).label,
            row["decided_by"] or "–",
            row["reason"] or "–",
            _when(row["decided_at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("decided for")),
        Head(_("why it was asked")),
        Head(_("by")),
        Head(_("reason")),
        Head(_("when")),
    ]
    return table(_("Adjudications"), heads, shown)


def _audits(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            LotState(row["lot"]).label,
            _("%(sample)s of %(labels)s labels, %(accept)s wrong accepted")
            % {
                "sample": number(row["sample"]),
                "labels": number(row["lot_labels"]),
                "accept": row["accept"],
            },
            Cell(Band(row["stratum"]).label, note=f"{row['probability']:.3g}"),
            "–" if row["wrong"] is None else _("wrong") if row["wrong"] else _("right"),
            _when(row["decided_at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("lot")),
        Head(_("plan")),
        Head(_("risk, chance")),
        Head(_("this label")),
        Head(_("decided")),
    ]
    return table(_("Audits that drew it"), heads, shown)


def _relabels(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            f"v{row['from_version'] or '–'} → v{row['to_version']}",
            RelabelWhy(row["why"]).label,
            row["what"] or "–",
            _when(row["reopened_at"]),
            _when(row["undone_at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("guideline")),
        Head(_("why")),
        Head(_("label or field")),
        Head(_("reopened")),
        Head(_("undone")),
    ]
    return table(_("Relabelling"), heads, shown)


def _gold(rows: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [
        [
            row["label"] or "–",
            GoldSource(row["source"]).label,
            row["set_by"],
            _when(row["set_at"]),
            Cell(_when(row["retired_at"]), note=row["retire_reason"] or ""),
        ]
        for row in rows
    ]
    heads = [
        Head(_("right answer")),
        Head(_("source")),
        Head(_("set by")),
        Head(_("set")),
        Head(_("retired")),
    ]
    return table(_("Gold answers of the task"), heads, shown)


def decision_table(rows: list[dict[str, Any]], opened: dict[str, str]) -> dict[str, Any]:
    """Return the table of the decisions that sent the task out; `opened` leads to their pages."""
    shown = []
    for row in rows:
        way = row["arrangement"]
        prices = "; ".join(f"{one['pool']}: {one['words']}" for one in row["prices"])
        if way["mode"] and not prices:
            prices = str(_("no price: the hours of own staff"))
        shown.append(
            [
                Cell(
                    _("Run of %(at)s, cohort %(n)s")
                    % {"at": _when(row["planned_from"]), "n": row["cohort"]},
                    opened.get(row["id"], ""),
                ),
                Cell(
                    Mode(way["mode"]).label if way["mode"] else "–",
                    note=" → ".join(one for one in (way["label_crew"], way["review_crew"]) if one),
                ),
                number(way["answers"]),
                "–" if way["review_share"] is None else f"{way['review_share']:.0%}",
                f"v{row['policy']['version']}" if row["policy"] else "–",
                Cell(
                    "–" if way["money"] is None else f"{number(way['money'], 4)} {row['currency']}",
                    note=prices,
                ),
            ]
        )
    heads = [
        Head(_("decision")),
        Head(_("arrangement")),
        Head(_("answers at most"), number=True),
        Head(_("reviewed"), number=True),
        Head(_("policy")),
        Head(_("expected money, prices")),
    ]
    empty = _("No decision sent it out: it was not routed here, or the run was cleared away.")
    return table(_("Decisions that sent it to people"), heads, shown, empty=empty)


def hold_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of the assignments, those that came to nothing as well."""
    shown = [
        [
            Cell(row["name"], note=row["pool"]),
            Purpose(row["purpose"]).label,
            Cell(
                AssignmentState(row["state"]).label,
                note=" · ".join(
                    str(part)
                    for part in (
                        SkipReason(row["skip_reason"]).label if row["skip_reason"] else "",
                        row["reason"] or "",
                    )
                    if part
                ),
            ),
            row["assigned_by"] or _("taken"),
            _when(row["reserved_at"]),
            _when(row["ended_at"]),
        ]
        for row in rows
    ]
    heads = [
        Head(_("who")),
        Head(_("for")),
        Head(_("state")),
        Head(_("assigned by")),
        Head(_("reserved")),
        Head(_("ended")),
    ]
    return table(_("Who held the task"), heads, shown, empty=_("Nobody held it."))


def step_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of the task's changes of state."""
    shown = [
        [
            f"{TaskState(row['from']).label} → {TaskState(row['to']).label}",
            row["by"],
            row["reason"] or "–",
            _when(row["at"]),
        ]
        for row in rows
    ]
    heads = [Head(_("change")), Head(_("by")), Head(_("reason")), Head(_("when"))]
    return table(_("Changes of the task"), heads, shown, empty=_("It was not changed yet."))


def event_table(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of the events of the log."""
    shown = [
        [
            number(row["id"]),
            row["kind"],
            _when(row["at"]),
            Cell(f"{row['sha256'][:16]}…"),
            _("not sealed yet")
            if row["seal"] is None
            else f"#{row['seal']['number']}.{row['seal']['position']}",
        ]
        for row in rows
    ]
    heads = [
        Head(_("event"), number=True),
        Head(_("kind")),
        Head(_("when")),
        Head(_("SHA-256")),
        Head(_("seal")),
    ]
    return table(_("What the event log says of it"), heads, shown)
