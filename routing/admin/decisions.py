"""Pages of decisions: candidates, gates, money, runner-up and prices."""

import json
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from routing.models import Decision
from routing.services.explaining import candidate_rows
from routing.services.reports import candidate_table_of, crew_names_of

SHOWN_CANDIDATES = 40


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
    rows = candidate_rows(
        table,
        crew_names_of(run),
        decision.number,
        chosen={chosen["arrangement"] for chosen in decision.chosen},
    )
    gates: dict[tuple[str, str], int] = {}
    for row in rows:
        if not row["open"]:
            gate = (row["gate"], row["opens"])
            gates[gate] = gates.get(gate, 0) + 1
    candidates = [row for row in rows if row["open"]]
    return {
        "decision": decision,
        "run": run,
        "facts": [
            (name.replace("_", " "), f"{value:.4g}" if isinstance(value, float) else value)
            for name, value in decision.key.items()
            if value
        ],
        "candidates": candidates[:SHOWN_CANDIDATES],
        "more": max(len(candidates) - SHOWN_CANDIDATES, 0),
        "gates": [
            {"gate": gate, "opens": opens, "pairs": n}
            for (gate, opens), n in sorted(gates.items(), key=lambda item: -item[1])
        ],
        "versions": json.dumps(run.versions, indent=1),
    }
