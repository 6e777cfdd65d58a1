"""Users and their roles."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.choices import HOUSE_ROLES, VENDOR_ROLES, OrganisationKind, Role
from accounts.models import Membership, Organisation, User
from accounts.permissions import require
from accounts.services.records import save_record, write_checked
from audit.services.events import record_event
from common.errors import Invalid
from common.time import utc_now

SYSTEM_DOMAIN = "system.invalid"


def house() -> Organisation:
    """Return the house, made when there is none yet (a fresh database)."""
    organisation, _made = Organisation.objects.get_or_create(
        kind=OrganisationKind.HOUSE, defaults={"name": "House"}
    )
    return organisation


def system_user(name: str) -> User:
    """Return the named system user under which a command or scheduled work acts.

    It belongs to the house, has the role `system` and no usable password.
    """
    email = f"{name}@{SYSTEM_DOMAIN}"
    user = User.objects.filter(email=email).first()
    if user is not None:
        return user
    with transaction.atomic():
        user, made = User.objects.get_or_create(
            email=email, defaults={"name": name, "organisation": house()}
        )
        if made:
            user.set_unusable_password()
            user.save(update_fields=["password"])
            Membership.objects.create(user=user, role=Role.SYSTEM)
            record_event(
                "user.created",
                acting_user=None,
                now=utc_now(),
                subject="user",
                subject_id=user.public_id,
            )
    return user


def check_role(organisation: Organisation, role: str) -> None:
    """Refuse a role that does not suit the kind of organisation.

    Raises
    ------
    Invalid
        House roles belong to the house, vendor roles to vendors.
    """
    at_house = organisation.kind == OrganisationKind.HOUSE
    if (role in HOUSE_ROLES and not at_house) or (role in VENDOR_ROLES and at_house):
        raise Invalid(
            _("The role %(role)s does not suit a %(kind)s.")
            % {"role": role, "kind": organisation.kind},
            field="role",
            rule="role_kind",
        )


@transaction.atomic
def create_user(
    *,
    email: str,
    name: str,
    organisation: Organisation,
    roles: list[str],
    password: str | None = None,
    time_zone: str = "UTC",
    acting_user: User,
    now: datetime,
) -> User:
    """Make a user with roles; without a password they cannot sign in.

    Raises
    ------
    Invalid
        If the e-mail is taken, or a role does not suit the organisation.
    """
    require(acting_user, "users.manage")
    for role in roles:
        check_role(organisation, role)
    address = email.strip().lower()
    if User.objects.filter(email=address).exists():
        raise Invalid(_("There is a user of this e-mail."), field="email", rule="unique")
    user = User(email=address, name=name, organisation=organisation, time_zone=time_zone)
    user.set_password(password)
    write_checked(user, acting_user=acting_user)
    record_event(
        "user.created",
        acting_user=acting_user,
        now=now,
        subject="user",
        subject_id=user.public_id,
        organisation=str(organisation.public_id),
    )
    for role in roles:
        grant_role(user, role, acting_user=acting_user, now=now)
    return user


@transaction.atomic
def change_user(
    user: User,
    *,
    changed: Sequence[str],
    password: str | None = None,
    acting_user: User,
    now: datetime,
) -> User:
    """Save a changed user, and a new password if one is given.

    Raises
    ------
    Invalid
        If the e-mail is taken or a value breaks a rule.
    """
    if password:
        user.set_password(password)
    return save_record(
        user, permission="users.manage", changed=changed, acting_user=acting_user, now=now
    )


@transaction.atomic
def grant_role(user: User, role: str, *, acting_user: User, now: datetime) -> Membership:
    """Give a user a role; giving it twice changes nothing."""
    require(acting_user, "users.manage")
    check_role(user.organisation, role)
    there = Membership.objects.filter(user=user, role=role).first()
    if there is not None:
        return there
    membership = Membership(user=user, role=role, granted_by=acting_user)
    write_checked(membership, acting_user=acting_user)
    record_event(
        "role.granted",
        acting_user=acting_user,
        now=now,
        subject="user",
        subject_id=user.public_id,
        role=role,
    )
    user.__dict__.pop("_roles", None)
    return membership


@transaction.atomic
def revoke_role(user: User, role: str, *, acting_user: User, now: datetime) -> None:
    """Take a role from a user; taking it twice changes nothing."""
    require(acting_user, "users.manage")
    there = Membership.objects.filter(user=user, role=role).first()
    if there is None:
        return
    there._history_user = acting_user  # type: ignore[attr-defined]
    there.delete()
    user.__dict__.pop("_roles", None)
    record_event(
        "role.revoked",
        acting_user=acting_user,
        now=now,
        subject="user",
        subject_id=user.public_id,
        role=role,
    )
