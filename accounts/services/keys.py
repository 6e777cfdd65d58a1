"""API keys: shown once, stored as an HMAC, scoped to permissions their user has."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.choices import KeyState, Role
from accounts.models import ApiKey, User
from accounts.permissions import PERMISSIONS, PERSONAL, can, require
from accounts.services.records import write_checked
from audit.services.events import record_event
from common.errors import Forbidden, Invalid
from common.sql import instance, rows, sql_time, sql_uuid

TOUCH_EVERY = timedelta(minutes=5)


def hash_secret(secret: str) -> str:
    """Return the HMAC under which a secret is stored (SHA-256 under the pepper)."""
    return hmac.new(settings.API_KEY_PEPPER.encode(), secret.encode(), hashlib.sha256).hexdigest()


@transaction.atomic
def make_key(
    user: User,
    *,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    acting_user: User,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key that acts as `user`; the secret is returned once and never again.

    Raises
    ------
    Invalid
        If nobody signs in as the user, the user has a live key of that name, a scope is unknown,
        only a person's, or not the user's, or the key would expire at once.
    """
    require(acting_user, "keys.manage")
    _check_owner(user)
    _check_scopes(user, scopes)
    if expires_at is not None and expires_at <= now:
        raise Invalid(_("A key expires in the future."), field="expires_at", rule="future")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey(
        user=user,
        name=name.strip(),
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        created_by=acting_user,
        expires_at=expires_at,
    )
    write_checked(key, acting_user=acting_user)
    record_event(
        "key.made",
        acting_user=acting_user,
        now=now,
        subject="api_key",
        subject_id=key.public_id,
        user=str(user.public_id),
        scopes=key.scopes,
        expires=expires_at.isoformat() if expires_at is not None else None,
    )
    return key, f"{prefix}.{secret}"


def _check_owner(user: User) -> None:
    """Refuse a key for somebody who does not sign in."""
    if not user.is_active:
        raise Invalid(_("%(user)s is not active.") % {"user": user}, field="user", rule="active")
    if Role.SYSTEM in user.roles:
        raise Invalid(
            _("A system user acts for commands and scheduled work only."),
            field="user",
            rule="person",
        )


def _check_scopes(user: User, scopes: Sequence[str]) -> None:
    """Refuse scopes that a key may not carry, or not a key of this user."""
    if not scopes:
        raise Invalid(_("A key needs a scope."), field="scopes", rule="required")
    for scope in scopes:
        if scope not in PERMISSIONS:
            raise Invalid(
                _("There is no permission %(scope)s.") % {"scope": scope},
                field="scopes",
                rule="known",
            )
        if scope in PERSONAL:
            raise Invalid(
                _("%(scope)s is for a person who has signed in, not for a key.") % {"scope": scope},
                field="scopes",
                rule="personal",
            )
        if not can(user, scope):
            raise Invalid(
                _("%(user)s may not %(scope)s.") % {"user": user, "scope": scope},
                field="scopes",
                rule="own",
            )


@transaction.atomic
def revoke_key(key: ApiKey, *, acting_user: User, now: datetime) -> None:
    """End a key; ending it twice changes nothing."""
    require(acting_user, "keys.manage")
    if ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=now):
        record_event(
            "key.revoked",
            acting_user=acting_user,
            now=now,
            subject="api_key",
            subject_id=key.public_id,
        )


def find_key(token: str, *, now: datetime) -> ApiKey | None:
    """Return the live key of a token, or None; the comparison takes the same time either way."""
    prefix, _dot, secret = token.partition(".")
    key = ApiKey.objects.select_related("user").filter(prefix=prefix[:12]).first()
    stored = key.secret_hash if key is not None else "0" * 64
    same = hmac.compare_digest(stored, hash_secret(secret))
    if key is None or not same or key_state(key, now=now) != KeyState.LIVE:
        return None
    if key.last_used_at is None or now - key.last_used_at > TOUCH_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key


@dataclass(frozen=True)
class Caller:
    """Who calls by a key: its user with roles read, its scopes, and what an upper app asked for."""

    user: User
    scopes: frozenset[str]
    more: tuple[Any, ...] = ()

    def require(self, permission: str) -> None:
        """Go on if the key opens an action: a scope of its own that its user still has.

        Raises
        ------
        Forbidden
        """
        if permission in PERSONAL or permission not in self.scopes:
            raise Forbidden(action=permission)
        require(self.user, permission)


USER_COLUMNS = (
    "id",
    "public_id",
    "email",
    "name",
    "is_active",
    "is_superuser",
    "organisation_id",
    "time_zone",
)


def sign_in(
    token: str,
    *,
    columns: Sequence[str] = (),
    joins: str = "",
    values: Sequence[Any] = (),
    now: datetime,
) -> Caller | None:
    """Return who calls by a token, or None: `find_key` in one statement, with the user's roles.

    Nothing of it is kept: a key that is revoked opens nothing from then on. An upper app may read
    columns of its own in the same statement, from tables joined to the user `u`; `values` are what
    its joins bind.
    """
    prefix, _dot, secret = token.partition(".")
    roles = (
        "string_agg(m.role, ',')" if connection.vendor == "postgresql" else "group_concat(m.role)"
    )
    users = ", ".join(f"u.{name}" for name in USER_COLUMNS)
    more = "".join(f", {column}" for column in columns)
    found = _first(
        "SELECT k.id, k.secret_hash, CAST(k.scopes AS text), "
        "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > %s) AND u.is_active, "
        "k.last_used_at IS NULL OR k.last_used_at < %s, "
        f"(SELECT {roles} FROM accounts_membership m WHERE m.user_id = u.id), {users}{more} "
        f"FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id {joins} "
        "WHERE k.prefix = %s",
        [sql_time(now), sql_time(now - TOUCH_EVERY), *values, prefix[:12]],
    )
    stored = found[0][1] if found else "0" * 64
    same = hmac.compare_digest(stored, hash_secret(secret))
    if not found or not same or not found[0][3]:
        return None
    pk, _hash, scopes, _live, stale, granted, *read = found[0]
    if stale:
        ApiKey.objects.filter(pk=pk).update(last_used_at=now)
    read[1] = sql_uuid(read[1])
    user = instance(User, USER_COLUMNS, read[: len(USER_COLUMNS)])
    user._roles = frozenset((granted or "").split(",")) - {""}
    return Caller(user, frozenset(json.loads(scopes)), tuple(read[len(USER_COLUMNS) :]))


def _first(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run the first statement of a request, on a new connection where the kept one has died.

    The statement only reads, so that it may be run again; asking each kept connection first
    whether it lives would be one more round trip of each request.
    """
    try:
        return rows(sql, values)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()
        return rows(sql, values)


def key_state(key: ApiKey, *, now: datetime) -> KeyState:
    """Return the state of a key at a time; only a live one opens anything."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.expires_at is not None and key.expires_at <= now:
        return KeyState.EXPIRED
    return KeyState.LIVE if key.user.is_active else KeyState.ASLEEP


def keys_in(state: str, *, now: datetime) -> Q:
    """Return the condition under which keys are in a state at a time (see key_state)."""
    revoked = Q(revoked_at__isnull=False)
    expired = Q(expires_at__lte=now)
    return {
        KeyState.REVOKED: revoked,
        KeyState.EXPIRED: ~revoked & expired,
        KeyState.ASLEEP: ~revoked & ~expired & Q(user__is_active=False),
        KeyState.LIVE: ~revoked & ~expired & Q(user__is_active=True),
    }[KeyState(state)]


def allows(key: ApiKey, permission: str) -> bool:
    """Tell whether a key opens an action: a scope of its own that its user still has."""
    return permission in key.scopes and permission not in PERSONAL and can(key.user, permission)
