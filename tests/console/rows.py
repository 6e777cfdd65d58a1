"""Rows behind every page of vendors, people and accounts, made by services."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.core.files.base import ContentFile

from accounts.choices import Role
from accounts.services.keys import make_key
from accounts.services.records import save_record
from accounts.services.users import create_user, house
from tests.conftest import NOW, TODAY, World
from vendors.services.vendors import declare_attestation, score_vendor, verify_attestation
from workforce.models import CertificationType, ExternalId, PublicHoliday, Skill
from workforce.services import availability, people


def rows_of_every_kind(world: World, tag: str) -> Any:
    """Add at least one row of each kind; `tag` keeps them apart. Returns the new vendor."""
    by = world.by
    vendor = world.add_vendor(tag, people=2, ends_on=date(2100, 1, 1))
    for kind in ("nda", "gdpr_dpa"):
        row = declare_attestation(
            vendor,
            kind=kind,
            scope="all",
            issuer=tag,
            issued_on=TODAY,
            upload=ContentFile(f"{tag} {kind}".encode(), name="letter.txt"),
            **by,
        )
    verify_attestation(row, **world.as_("second"))
    for criterion in ("quality", "tooling"):
        score_vendor(
            vendor,
            criterion=criterion,
            score=Decimal(3),
            evidence=tag,
            assessed_on=TODAY,
            **by,
        )
    kinds = [
        save_record(
            CertificationType(key=f"{tag}-{n}", name=f"{tag} {n}"),
            permission="catalogue.manage",
            **by,
        )
        for n in range(2)
    ]
    pool = world.pools[tag]
    holders = list(pool.annotators.all())
    for holder, kind in zip(holders, kinds, strict=True):
        proof = people.declare_certification(
            holder, type=kind, issuer=tag, number="1", issued_on=TODAY, **by
        )
        people.verify_certification(proof, **by)
        availability.add_leave(
            holder, kind="vacation", starts_at=NOW, ends_at=NOW + timedelta(days=2), **by
        )
        save_record(
            ExternalId(annotator=holder, platform="labelbox", external_id=f"{tag}{holder.pk}"),
            permission="people.manage",
            **by,
        )
    people.change_status(holders[0], "paused", reason="rest", until=NOW + timedelta(days=3), **by)
    people.join_as_one(holders, note=tag, **by)
    skill = save_record(Skill(key=f"{tag}-skill", name=tag), permission="catalogue.manage", **by)
    people.declare_skill(holders[1], skill, 2, **by)
    for day in range(2):
        availability.declare_capacity(pool, TODAY + timedelta(days=day), Decimal(8), **by)
    save_record(
        PublicHoliday(country="NL", subdivision=tag[:10], day=date(2026, 4, 27), name=tag),
        permission="people.manage",
        **by,
    )
    user = create_user(
        email=f"{tag}@house.example",
        name=tag,
        organisation=house(),
        roles=[Role.QUALITY_LEAD, Role.OPERATIONS],
        **world.as_("admin"),
    )
    make_key(user, name=tag, scopes=["work.view"], **world.as_("admin"))
    return vendor
