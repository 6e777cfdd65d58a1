"""Projects and their guideline versions."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from accounts.services.records import save_record
from common.errors import Invalid
from routing.choices import SkipTo
from routing.models import GuidelineVersion, Project
from routing.selectors import PLACES
from routing.services.policies import create_draft, default_document
from vendors.choices import AttestationKind
from vendors.models import Vendor
from workforce.models import CertificationType

PERMISSION = "projects.manage"


@transaction.atomic
def create_project(
    *,
    key: str,
    name: str,
    currency: str,
    excluded_vendors: Sequence[Vendor] = (),
    required_certifications: Sequence[CertificationType] = (),
    acting_user: User,
    now: datetime,
    **values: Any,
) -> Project:
    """Make a project with a first draft of its policy (the default rules, to be published).

    Raises
    ------
    Invalid
        If the key is taken or a value breaks a rule.
    """
    project = Project(key=key, name=name, currency=currency, **values)
    check_project(project)
    save_record(
        project,
        permission=PERMISSION,
        many={
            "excluded_vendors": excluded_vendors,
            "required_certifications": required_certifications,
        },
        acting_user=acting_user,
        now=now,
    )
    create_draft(
        project, default_document(), note="The default rules", acting_user=acting_user, now=now
    )
    return project


def check_project(project: Project) -> None:
    """Refuse attestations, hosts and links that are none, and a lead who is not named.

    Raises
    ------
    Invalid
        Naming the entry.
    """
    for kind in project.required_attestations:
        if kind not in AttestationKind.values:
            raise Invalid(
                _("%(kind)s is none of %(listed)s.")
                % {"kind": repr(kind), "listed": ", ".join(AttestationKind.values)},
                field="required_attestations",
                rule="known",
            )
    for host in project.reference_hosts:
        if not isinstance(host, str) or not host or any(c in host for c in "/: "):
            raise Invalid(
                _("%(host)s is no host name (write images.example.com).") % {"host": repr(host)},
                field="reference_hosts",
                rule="host",
            )
    _check_link(project.link_template)
    if project.skip_to == SkipTo.LEAD and project.lead_id is None:
        raise Invalid(
            _("Where skipped tasks go to a lead, name one."), field="lead", rule="required"
        )


def _check_link(link: str) -> None:
    """Refuse a link template that would open nothing, or something else than a page."""
    if not link:
        return
    plain = link
    for name in PLACES:
        plain = plain.replace(f"{{{name}}}", "x")
    parts = urlsplit(plain)
    if parts.scheme != "https" or not parts.hostname:
        raise Invalid(
            _("The link begins with https:// and a host."), field="link_template", rule="https"
        )
    unknown = re.search(r"\{[^}]*\}?|\}", plain)
    if unknown is not None:
        raise Invalid(
            _("%(name)s stands for nothing; there are %(known)s.")
            % {"name": unknown.group(), "known": ", ".join(f"{{{name}}}" for name in PLACES)},
            field="link_template",
            rule="known",
        )


@transaction.atomic
def add_guideline(
    project: Project,
    *,
    content: str,
    ontology: dict[str, Any] | None = None,
    effective_from: datetime,
    change_note: str = "",
    acting_user: User,
    now: datetime,
) -> GuidelineVersion:
    """Add the next version of a project's guideline; content equal to the last changes nothing.

    Raises
    ------
    Invalid
        If a version after the first does not say what changed.
    """
    require(acting_user, PERMISSION)
    Project.objects.select_for_update().get(pk=project.pk)
    last = GuidelineVersion.objects.filter(project=project).order_by("-number").first()
    digest = hashlib.sha256(content.encode()).hexdigest()
    if last is not None and last.content_hash == digest and last.ontology == (ontology or {}):
        return last
    return save_record(
        GuidelineVersion(
            project=project,
            number=last.number + 1 if last is not None else 1,
            content=content,
            content_hash=digest,
            ontology=ontology or {},
            effective_from=effective_from,
            change_note=change_note,
        ),
        permission=PERMISSION,
        acting_user=acting_user,
        now=now,
    )
