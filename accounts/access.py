"""The only road to tenant data: what a user may see, by the path from a row to its organisation."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.choices import HOUSE_ROLES, Role
from accounts.models import (
    ApiKey,
    IdempotencyKey,
    Job,
    Membership,
    Organisation,
    StoredFile,
    User,
)
from common.access import HOUSE_ONLY, Path, path_of
from common.errors import NotFound

M = TypeVar("M", bound=Model)

ACCESS = {
    Organisation: Path("pk"),
    User: Path("organisation_id", own="pk"),
    Membership: Path("user__organisation_id", own="user_id"),
    StoredFile: Path("organisation_id"),
    # What opens the house's doors, and what was asked of them.
    ApiKey: HOUSE_ONLY,
    IdempotencyKey: HOUSE_ONLY,
    # Arguments and results of jobs name other vendors' pools and prices.
    Job: HOUSE_ONLY,
}


def scoped(rows: QuerySet[M], user: User) -> QuerySet[M]:
    """Return the rows that the user may see.

    People of the house with a console role see all; a vendor's managers see the rows of their
    organisation; an annotator sees the rows about them. Everyone else sees nothing.

    Raises
    ------
    LookupError
        If the table has no entry in its app's access.py.
    """
    path = path_of(rows.model)
    if not user.is_active:
        return rows.none()
    if user.is_superuser or user.roles & HOUSE_ROLES:
        return rows
    if path.shared and user.roles:
        return rows
    if Role.VENDOR_MANAGER in user.roles and path.organisation:
        return rows.filter(**{path.organisation: user.organisation_id})
    if Role.ANNOTATOR in user.roles and path.own:
        return rows.filter(**{path.own: user.pk})
    return rows.none()


def access(rows: QuerySet[M], user: User, public_id: UUID | str) -> M:
    """Return the row of a public id, if the user may see it.

    Raises
    ------
    NotFound
        If there is none, or not for this user, or this is no id: all look the same.
    """
    try:
        wanted = public_id if isinstance(public_id, UUID) else UUID(public_id)
    except ValueError:
        found = None
    else:
        found = scoped(rows, user).filter(public_id=wanted).first()
    if found is None:
        raise NotFound(what=str(rows.model._meta.verbose_name))
    return found


def access_file(user: User, public_id: UUID | str) -> StoredFile:
    """Return a stored file that the user may see, or raise NotFound."""
    return access(StoredFile.objects.all(), user, public_id)
