"""Pools and the parts of hybrid ones."""

from datetime import datetime
from typing import Any

from accounts.models import User
from accounts.services.records import save_record
from workforce.models import Pool, PoolPart

PEOPLE = "people.manage"


def create_pool(
    *,
    key: str,
    name: str,
    kind: str,
    currency: str,
    acting_user: User,
    now: datetime,
    **values: Any,
) -> Pool:
    """Make a pool; an outsourced one, and no other, names its vendor."""
    pool = Pool(key=key, name=name, kind=kind, currency=currency, **values)
    return save_record(pool, permission=PEOPLE, acting_user=acting_user, now=now)


def add_part(hybrid: Pool, part: Pool, role: str, *, acting_user: User, now: datetime) -> PoolPart:
    """Name a part of a hybrid pool and what it does; naming it twice changes nothing."""
    row = PoolPart.objects.filter(hybrid=hybrid, part=part, role=role).first()
    if row is not None:
        return row
    row = PoolPart(hybrid=hybrid, part=part, role=role)
    return save_record(row, permission=PEOPLE, acting_user=acting_user, now=now)
