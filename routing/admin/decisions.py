"""Pages of decisions: candidates, gates, money, runner-up and prices."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from routing.choices import Mode
from routing.models import Decision
from routing.services.explaining import candidate_rows, price_rows
from routing.services.reports import candidate_table_of, crew_names_of

SHOWN_CANDIDATES = 12
MOST_CANDIDATES = 100
SHOWN_PAIRS = 6


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    view_permission = "routing.view"
    list_display = (
        "number",
        "run",
        "project",
        "kind",
        "bands",
        "tasks",
        "routed",
        "waiting",
        "given_to",
        "reason",
    )
    list_filter = ("project", ("reason", admin.EmptyFieldListFilter))
    search_fields = ("reason",)
    list_select_related = ("run", "project")
    change_form_template = "admin/routing/decision.html"
    fields = ("public_id",)
    readonly_fields = ("public_id",)

    @display(description=_("task type"))
    def kind(self, decision: Decision) -> str:
        return str(decision.key.get("task_type", ""))

    @display(description=_("complexity × risk"))
    def bands(self, decision: Decision) -> str:
        return f"{decision.key.get('complexity')} × {decision.key.get('risk')}"

    @display(description=_("given to"))
    def given_to(self, decision: Decision) -> str:
        return ", ".join(sorted({c["label_crew"] for c in decision.chosen})) or "–"

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        decision = self.get_object(request, object_id or "")
        if decision is None:
            return super().changeform_view(request, object_id, form_url, extra_context)
        context = {**(extra_context or {}), **decision_context(decision)}
        return super().changeform_view(request, object_id, form_url, context)


def decision_context(decision: Decision) -> dict[str, Any]:
    """Return candidates, gates, money, runner-up and prices of a decision.

    Raises
    ------
    Http404
        If the run has no record of its candidates.
    """
    run = decision.run
    table = candidate_table_of(run)
    if table is None:
        raise Http404
    names = crew_names_of(run)
    rows = candidate_rows(
        table,
        names,
        decision.number,
        chosen={chosen["arrangement"] for chosen in decision.chosen},
    )
    candidates = [_readable(row) for row in rows if row["open"]]
    used = {row[part] for row in candidates for part in ("label_crew", "review_crew")} - {""}
    pools = {name.split(" · ")[0] for name in used}
    return {
        "decision": decision,
        "run": run,
        "facts": [
            (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else value)
            for name, value in decision.key.items()
            if value
        ],
        "chosen": [_readable(row) for row in decision.chosen],
        "runner_up": _readable(decision.runner_up) if decision.runner_up else None,
        "candidates": candidates[:SHOWN_CANDIDATES],
        "rest": candidates[SHOWN_CANDIDATES:MOST_CANDIDATES],
        "more": max(len(candidates) - MOST_CANDIDATES, 0),
        "gates": _gates(rows),
        "scarce": [
            {**price, "row": _short(price["row"])}
            for price in run.prices
            if price["row"] in used | pools or price["kind"] == "share"
        ],
        "rates": [row for row in price_rows(table, decision.key) if row["pool"] in pools],
        "crews": sorted(used),
        "versions": json.dumps(run.versions, indent=1),
    }


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return an arrangement with the words and short names that a small screen holds."""
    share = row.get("review_share", row.get("share", 0.0))
    choice = row.get("review_choice", row.get("choice", ""))
    return {
        **row,
        "mode_name": Mode(row["mode"]).label,
        "label_short": _short(row["label_crew"]),
        "review_short": _short(row["review_crew"]),
        "review_percent": f"{share:.0%}",
        "choice_name": choice.replace("_", " "),
        "error_percent": f"{row['error']:.2%}",
    }


def _short(crew: str) -> str:
    """Return a crew's pool and number, without what sets it apart."""
    return crew.split(" (")[0]


def _gates(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each gate with the pairs of crews that it shuts out, most first."""
    gates: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not row["open"]:
            pair = " → ".join(_short(row[p]) for p in ("label_crew", "review_crew") if row[p])
            gates.setdefault((row["gate"], row["opens"]), []).append(pair)
    return [
        {
            "gate": gate,
            "opens": opens,
            "pairs": len(pairs),
            "crews": pairs[:SHOWN_PAIRS],
            "more": max(len(pairs) - SHOWN_PAIRS, 0),
        }
        for (gate, opens), pairs in sorted(gates.items(), key=lambda item: -len(item[1]))
    ]
