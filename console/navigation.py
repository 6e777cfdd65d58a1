"""The side bar of the operations console: what this user may open, nothing else."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import can
from quality.selectors import adjudications_waiting, alarms_waiting, pauses_waiting

# title → (label, icon, model of the list, permission)
GROUPS: tuple[tuple[Any, tuple[tuple[Any, str, str, str], ...]], ...] = (
    (
        _("Routing"),
        (
            (_("Runs"), "route", "routing_run", "routing.view"),
            (_("Decisions"), "account_tree", "routing_decision", "routing.view"),
            (_("Policies"), "rule", "routing_policy", "routing.view"),
            (_("Placements"), "pin_drop", "routing_placement", "routing.view"),
        ),
    ),
    (
        _("Work"),
        (
            (_("Projects"), "folder", "routing_project", "work.view"),
            (_("Tasks"), "task", "routing_task", "work.view"),
            (_("Guidelines"), "menu_book", "routing_guidelineversion", "work.view"),
            (_("Task types"), "category", "routing_tasktype", "work.view"),
            (_("Domains"), "school", "routing_domain", "work.view"),
            (_("Assignments"), "assignment_ind", "routing_assignment", "work.view"),
            (_("Push a shift"), "move_up", "routing_push", "assignments.manage"),
        ),
    ),
    (
        _("People"),
        (
            (_("Annotators"), "groups", "workforce_annotator", "people.view"),
            (_("Pools"), "hub", "workforce_pool", "people.view"),
            (_("Skills held"), "verified", "workforce_annotatorskill", "people.view"),
            (_("Certificates"), "workspace_premium", "workforce_certification", "people.view"),
            (_("Proficiency"), "monitoring", "workforce_proficiency", "people.view"),
            (_("Shifts"), "schedule", "workforce_shift", "people.view"),
            (_("Leave"), "beach_access", "workforce_leave", "people.view"),
            (
                _("Declared capacity"),
                "event_available",
                "workforce_declaredcapacity",
                "people.view",
            ),
            (_("Public holidays"), "celebration", "workforce_publicholiday", "people.view"),
            (_("Skills"), "psychology", "workforce_skill", "work.view"),
            (_("Kinds of certificate"), "badge", "workforce_certificationtype", "work.view"),
            (_("Persons"), "join_inner", "workforce_person", "persons.view"),
        ),
    ),
    (
        _("Vendors"),
        (
            (_("Vendors"), "apartment", "vendors_vendor", "vendors.view"),
            (_("Contracts"), "contract", "vendors_contract", "vendors.view"),
            (_("Attestations"), "shield", "vendors_attestation", "vendors.view"),
            (_("Scorecards"), "star", "vendors_criterionscore", "vendors.view"),
        ),
    ),
    (
        _("Quality"),
        (
            (_("Alarms"), "notifications", "quality_alarm", "alarms.view"),
            (_("Quality reviews"), "rate_review", "quality_review", "reviews.view"),
            (_("Adjudications"), "balance", "quality_adjudication", "adjudications.view"),
            (_("Audits"), "fact_check", "quality_auditlot", "audits.view"),
            (_("Pauses"), "pause_circle", "quality_pauseproposal", "alarms.view"),
            (_("Drift"), "show_chart", "quality_driftchart", "alarms.view"),
            (_("Errors by segment"), "donut_small", "quality_biasreport", "alarms.view"),
            (_("Agreement"), "handshake", "quality_agreement", "judgments.view"),
            (_("Like for like"), "balance", "quality_comparison", "ratings.view"),
            (_("Labels taken for others"), "grid_on", "quality_confusion", "ratings.view"),
            (_("Relabelling"), "restart_alt", "quality_relabel", "judgments.view"),
            (_("Judgments"), "gavel", "quality_judgment", "judgments.view"),
            (_("Gold"), "military_tech", "quality_goldanswer", "gold.view"),
            (
                _("Qualification sets"),
                "quiz",
                "quality_qualificationset",
                "qualification.view",
            ),
            (
                _("Tries at qualifications"),
                "school",
                "quality_qualificationtry",
                "qualification.view",
            ),
            (_("Estimations"), "functions", "quality_estimation", "judgments.view"),
            (_("Throughput"), "speed", "quality_output", "ratings.view"),
            (_("Facts of task types"), "scatter_plot", "quality_typefacts", "judgments.view"),
        ),
    ),
    (_("Money"), ((_("Rate cards"), "payments", "billing_ratecard", "rates.view"),)),
    (
        _("House"),
        (
            (_("Users"), "person", "accounts_user", "users.view"),
            (_("Organisations"), "domain", "accounts_organisation", "users.view"),
            (_("API keys"), "key", "accounts_apikey", "keys.manage"),
            (_("Files"), "attach_file", "accounts_storedfile", "files.view"),
            (_("Jobs"), "pending_actions", "accounts_job", "routing.view"),
            (_("Event log"), "history", "audit_event", "events.view"),
            (_("Seals"), "lock", "audit_seal", "events.view"),
        ),
    ),
)

# model of the list → how many rows wait there for somebody
COUNTS: dict[str, Callable[[User], int]] = {
    "quality_alarm": alarms_waiting,
    "quality_pauseproposal": pauses_waiting,
    "quality_adjudication": adjudications_waiting,
}
# pages that are no lists of rows
PAGES = frozenset({"quality_comparison", "quality_confusion"})


def operations(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links that this user may open."""
    user = request.user
    if not isinstance(user, User):
        return []
    groups = [
        {
            "items": [
                {
                    "title": _("Overview"),
                    "icon": "dashboard",
                    "link": reverse_lazy("admin:index"),
                }
            ]
        }
    ]
    for title, rows in GROUPS:
        items = [
            _item(label, icon, model, user)
            for label, icon, model, permission in rows
            if can(user, permission)
        ]
        if items:
            groups.append({"title": title, "items": items, "collapsible": True})  # type: ignore[dict-item]
    return groups


def _item(label: Any, icon: str, model: str, user: User) -> dict[str, Any]:
    page = model if model in PAGES else f"{model}_changelist"
    item = {"title": label, "icon": icon, "link": reverse_lazy(f"admin:{page}")}
    waiting = COUNTS[model](user) if model in COUNTS else 0
    return {**item, "badge": waiting} if waiting else item


# Records that have a page of quality's beside their own: page of the record → (its name among the
# tabs, its title, the other page, its title, what opens that)
BESIDE: dict[str, tuple[str, Any, str, Any, str]] = {
    "workforce_annotator_change": (
        "annotator",
        _("Annotator"),
        "quality_profile",
        _("Profile"),
        "ratings.view",
    ),
    "routing_task_change": ("task", _("Task"), "quality_lineage", _("Lineage"), "lineage.view"),
}


def tabs(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the tabs that join an annotator's page with the profile, a task's with its lineage."""
    match, user = request.resolver_match, request.user
    if match is None or not isinstance(user, User):
        return []
    for record, (name, title, other, beside, permission) in BESIDE.items():
        if match.url_name not in (record, other) or not can(user, permission):
            continue
        pk = match.kwargs.get("object_id", "")
        links = [(title, record), (beside, other)]
        items = [
            {
                "title": words,
                "link": reverse(f"admin:{page}", args=[pk]),
                "active": page == match.url_name,
            }
            for words, page in links
        ]
        # Named for the pages that ask for them: among the tabs of a model they would push those of
        # its inlines out.
        return [{"page": name, "name": _("Pages"), "items": items}]
    return []
