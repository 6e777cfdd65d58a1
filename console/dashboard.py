"""The front page of the operations console: what is open, what waits, what needs a hand."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import ngettext

from accounts.models import User
from accounts.permissions import can
from common.time import utc_now
from quality.selectors import alarms_waiting, pauses_waiting
from routing.models import Project, Run
from vendors.choices import WORKING_STATES
from vendors.models import Vendor
from vendors.selectors import attestation_cover
from workforce.models import AnnotatorSkill, Certification

SOON = timedelta(days=30)


def operations(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the front page shows to the context."""
    user = request.user
    if not isinstance(user, User) or not can(user, "work.view"):
        return context
    now = utc_now()
    projects = (
        Project.objects.filter(is_open=True)
        .annotate(
            open_tasks=Count("tasks", filter=Q(tasks__state="open")),
            late=Count("tasks", filter=Q(tasks__state="open", tasks__due_at__lt=now)),
            done=Count("tasks", filter=Q(tasks__state__in=("answered", "accepted"))),
        )
        .select_related("current_run")
        .order_by("key")
    )
    context.update(
        {
            "projects": projects,
            "last_run": Run.objects.filter(state="done").order_by("-started_at").first(),
            "to_do": _to_do(user),
        }
    )
    return context


def _to_do(user: User) -> list[dict[str, Any]]:
    """Return what waits for a person of the house, each with its list."""
    found: list[dict[str, Any]] = []
    today = utc_now().date()
    if can(user, "people.view"):
        skills = AnnotatorSkill.objects.filter(state="declared").count()
        expiring = Certification.objects.filter(
            state="verified", valid_until__gte=today, valid_until__lt=today + SOON
        ).count()
        found.append(
            {
                "count": skills,
                "text": ngettext(
                    "skill is declared and not verified: no gate counts it",
                    "skills are declared and not verified: no gate counts them",
                    skills,
                ),
                "link": reverse("admin:workforce_annotatorskill_changelist")
                + "?state__exact=declared",
            }
        )
        found.append(
            {
                "count": expiring,
                "text": ngettext(
                    "certificate lapses within %(days)s days",
                    "certificates lapse within %(days)s days",
                    expiring,
                )
                % {"days": SOON.days},
                "link": reverse("admin:workforce_certification_changelist"),
            }
        )
    if can(user, "alarms.view"):
        alarms = alarms_waiting(user)
        found.append(
            {
                "count": alarms,
                "text": ngettext("alarm has no owner", "alarms have no owner", alarms),
                "link": reverse("admin:quality_alarm_changelist") + "?inbox=open",
            }
        )
        pauses = pauses_waiting(user)
        found.append(
            {
                "count": pauses,
                "text": ngettext(
                    "proposed pause waits for a person",
                    "proposed pauses wait for a person",
                    pauses,
                ),
                "link": reverse("admin:quality_pauseproposal_changelist"),
            }
        )
    if can(user, "vendors.view"):
        vendors = Vendor.objects.filter(state__in=WORKING_STATES).values_list("pk", flat=True)
        cover = attestation_cover(vendor_ids=vendors, on=today)
        lapsed = sum(state.state == "lapsed" for state in cover.values())
        found.append(
            {
                "count": lapsed,
                "text": ngettext(
                    "attestation of a working vendor has lapsed: work that needs it stops",
                    "attestations of working vendors have lapsed: work that needs them stops",
                    lapsed,
                ),
                "link": reverse("admin:vendors_attestation_changelist"),
            }
        )
    return [row for row in found if row["count"]]
