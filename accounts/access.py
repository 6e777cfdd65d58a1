"""The only road to tenant data: what a user may see, by the path from a row to its organisation."""

from typing import TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet

from accounts.choices import HOUSE_ROLES, Role
from accounts.models import StoredFile, User
from common.errors import NotFound

M = TypeVar("M", bound=Model)


def scoped(queryset: QuerySet[M], user: User, path: str, *, own: str | None = None) -> QuerySet[M]:
    """Return the rows of a queryset that the user may see.

    People of the house with a console role see all; a vendor's managers see rows whose `path`
    leads to their organisation; an annotator sees rows whose `own` path leads to their login (none
    where `own` is not given). Everyone else sees nothing.
    """
    if not user.is_active:
        return queryset.none()
    if user.is_superuser or user.roles & HOUSE_ROLES:
        return queryset
    if Role.VENDOR_MANAGER in user.roles:
        return queryset.filter(**{path: user.organisation_id})
    if Role.ANNOTATOR in user.roles and own is not None:
        return queryset.filter(**{own: user.pk})
    return queryset.none()


def access_file(user: User, public_id: UUID) -> StoredFile:
    """Return a stored file that the user may see.

    Raises
    ------
    NotFound
        If there is none, or not for this user: the two look the same.
    """
    stored = scoped(StoredFile.objects.all(), user, "organisation_id").filter(public_id=public_id)
    found = stored.first()
    if found is None:
        raise NotFound(what="file")
    return found
