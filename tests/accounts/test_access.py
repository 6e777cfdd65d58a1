"""Roles, keys, and the only road to tenant data."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.access import scoped
from accounts.choices import Role
from accounts.models import Membership, Organisation, User
from accounts.permissions import PERMISSIONS, can
from accounts.services.users import create_user, grant_role
from common import triggers
from common.errors import Forbidden, Invalid
from tests.conftest import World
from workforce.models import Annotator, Pool


def test_each_sees_only_their_own(world: World, vendor_user: User) -> None:
    path = "organisation_id"
    seen = scoped(Annotator.objects.all(), vendor_user, path, own="user_id")
    assert {a.pool.key for a in seen} == {"alpha"}
    assert scoped(Annotator.objects.all(), world.users["auditor"], path).count() == 10
    person = Annotator.objects.filter(pool__key="beta").first()
    login = create_user(
        email="one@beta.example",
        name="One",
        organisation=person.organisation,
        roles=[Role.ANNOTATOR],
        **world.as_("admin"),
    )
    assert scoped(Annotator.objects.all(), login, path, own="user_id").count() == 0
    Annotator.objects.filter(pk=person.pk).update(user=login)
    assert list(scoped(Annotator.objects.all(), login, path, own="user_id")) == [person]
    # A table without an own path shows an annotator nothing.
    assert not scoped(Pool.objects.all(), login, "vendor__organisation_id").exists()
    vendor_user.is_active = False
    assert not scoped(Annotator.objects.all(), vendor_user, path).exists()


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
