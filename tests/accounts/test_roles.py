"""Roles: one table of what they may do, and which suit which organisation."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.choices import Role
from accounts.models import Membership, Organisation, User
from accounts.permissions import PERMISSIONS, can
from accounts.services.users import create_user, grant_role
from common import triggers
from common.errors import Forbidden, Invalid
from tests.conftest import World


def test_the_table_names_only_roles_that_exist() -> None:
    for roles in PERMISSIONS.values():
        assert roles <= set(Role.values)
    approvals = ("policies.publish", "facts.verify", "rates.manage", "attestations.verify")
    assert not any(Role.ADMINISTRATOR in PERMISSIONS[name] for name in approvals)
    writes = [name for name in PERMISSIONS if not name.endswith(".view")]
    assert not any(Role.AUDITOR in PERMISSIONS[name] for name in writes)


def test_a_permission_that_does_not_exist_is_an_error(world: World) -> None:
    with pytest.raises(KeyError):
        can(world.users["operations"], "people.mange")


def test_roles_suit_the_organisation(world: World, vendor_user: User) -> None:
    with pytest.raises(Invalid, match="does not suit"):
        grant_role(vendor_user, Role.FINANCE, **world.as_("admin"))
    # Nor does the database take it from raw SQL.
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.bulk_create([Membership(user=vendor_user, role=Role.FINANCE)])
    house = Organisation.objects.exclude(pk=vendor_user.organisation_id).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=vendor_user.pk).update(organisation=house)


def test_only_administrators_manage_users(world: World) -> None:
    with pytest.raises(Forbidden):
        create_user(
            email="x@y.example",
            name="x",
            organisation=world.users["admin"].organisation,
            roles=[],
            **world.by,
        )
    with pytest.raises(Invalid, match="There is a user of this e-mail"):
        create_user(
            email="  FINANCE@house.example ",
            name="x",
            organisation=world.users["admin"].organisation,
            roles=[],
            **world.as_("admin"),
        )


@pytest.mark.django_db
def test_every_trigger_is_there_and_a_lost_one_is_told() -> None:
    assert triggers.check_triggers(databases=["default"]) == []
    rule = next(iter(triggers.expected(connection.vendor).values()))
    with connection.cursor() as cursor:
        on = f" ON {rule.table}" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {rule.name}{on}")
    assert rule.name in triggers.check_triggers(databases=["default"])[0].msg
    triggers.create_all(connection)
    assert triggers.check_triggers(databases=["default"]) == []
