"""Pages of decisions: candidates, gates, money, runner-up and prices."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.console_admin import ReadOnlyAdmin
from common.languages import duration, translated
from routing.choices import Band, DataClass, Mode
from routing.models import Decision, Run
from routing.services.explaining import candidate_rows, price_rows
from routing.services.reports import (
    candidate_table_of,
    choice_words,
    crew_names_of,
    price_kind,
    short_name,
    version_lines,
)

SHOWN_CANDIDATES = 12
MOST_CANDIDATES = 100
SHOWN_PAIRS = 6
SHOWN_RUNS = 10


# What the tasks of a decision share, in the order in which it is shown.
FACTS = {
    "project": _("project"),
    "task_type": _("task type"),
    "domain": _("domain"),
    "complexity": _("complexity"),
    "risk": _("risk"),
    "data_class": _("class of data"),
    "harmful": _("harmful content"),
    "safety_critical": _("safety-critical"),
    "residency": _("residency"),
    "language": _("language"),
    "classes": _("classes"),
    "due_day": _("due on day"),
    "late_days": _("days late"),
    "hours": _("effort of a task"),
    "size": _("mean size"),
    "error_cost": _("cost of an error"),
}


class RunFilter(admin.SimpleListFilter):
    """The last runs, and the one that a link names."""

    title = _("run")
    parameter_name = "run__id__exact"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        rows = Run.objects.filter(decisions__isnull=False).distinct()
        shown = list(rows.order_by("-started_at", "-pk")[:SHOWN_RUNS])
        named = request.GET.get(self.parameter_name, "")
        if named.isdecimal() and int(named) not in {run.pk for run in shown}:
            shown += rows.filter(pk=int(named))
        return [(str(run.pk), str(run)) for run in shown]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value() or ""
        return queryset.filter(run=int(value)) if value.isdecimal() else queryset


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
        "waiting",
        "given_to",
        "shown_reason",
    )
    list_filter = (RunFilter, "project", ("reason", admin.EmptyFieldListFilter))
    search_fields = ("reason",)
    list_per_page = 20  # on a phone each row is a card
    list_select_related = ("run", "project")
    change_form_template = "admin/routing/decision.html"
    fields = ("public_id",)
    readonly_fields = ("public_id",)

    @display(description=_("task type"))
    def kind(self, decision: Decision) -> str:
        return str(decision.key.get("task_type", ""))

    @display(description=_("complexity × risk"))
    def bands(self, decision: Decision) -> str:
        complexity, risk = decision.key.get("complexity"), decision.key.get("risk")
        return f"{Band(complexity).label} × {Band(risk).label}"

    @display(description=_("given to"))
    def given_to(self, decision: Decision) -> str:
        return ", ".join(sorted({short_name(c["label_crew"]) for c in decision.chosen})) or "–"

    @display(description=_("why tasks wait"), ordering="reason")
    def shown_reason(self, decision: Decision) -> str:
        return translated(decision.why or decision.reason) or "–"

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
        "facts": _facts(decision.key, run.currency),
        "reason": decision.why or decision.reason,
        "chosen": [_readable(row) for row in decision.chosen],
        "runner_up": _readable(decision.runner_up) if decision.runner_up else None,
        "candidates": candidates[:SHOWN_CANDIDATES],
        "rest": candidates[SHOWN_CANDIDATES:MOST_CANDIDATES],
        "more": max(len(candidates) - MOST_CANDIDATES, 0),
        "gates": _gates(rows),
        "scarce": [
            {**price, "row": short_name(price["row"]), "kind": price_kind(price["kind"])}
            for price in run.prices
            if price["row"] in used | pools or price["kind"] == "share"
        ],
        "rates": [row for row in price_rows(table, decision.key) if row["pool"] in pools],
        "crews": sorted(used),
        "versions": version_lines(run),
    }


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return an arrangement with the words and short names that a small screen holds."""
    share = row.get("review_share", row.get("share", 0.0))
    choice = row.get("review_choice", row.get("choice", ""))
    return {
        **row,
        "mode_name": Mode(row["mode"]).label,
        "label_short": short_name(row["label_crew"]),
        "review_short": short_name(row["review_crew"]),
        "review_percent": f"{share:.0%}",
        "choice_name": choice_words(choice),
        "error_percent": f"{row['error']:.2%}",
    }


def _facts(key: dict[str, Any], currency: str) -> list[tuple[Any, Any]]:
    """Return what the tasks of a decision share, in words; what is empty is left out."""
    shown = {
        **key,
        "complexity": Band(key["complexity"]).label,
        "risk": Band(key["risk"]).label,
        "data_class": DataClass(key["data_class"]).label,
        "harmful": _("yes") if key["harmful"] else "",
        "safety_critical": _("yes") if key["safety_critical"] else "",
        "hours": duration(key["hours"]),
        "size": f"{key['size']:.4g}",
        "error_cost": f"{key['error_cost']:.4g} {currency}",
    }
    return [(title, shown[name]) for name, title in FACTS.items() if shown.get(name)]


def _gates(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each gate with the pairs of crews that it shuts out, most first."""
    gates: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if not row["open"]:
            pair = " → ".join(short_name(row[p]) for p in ("label_crew", "review_crew") if row[p])
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
