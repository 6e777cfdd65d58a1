"""API keys: shown once, stored as an HMAC, scoped to permissions their user has."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import ApiKey, User
from accounts.permissions import PERMISSIONS, can, require
from audit.services.events import record_event
from common.errors import Invalid

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
        If a scope is unknown or not the user's, or the key would expire at once.
    """
    require(acting_user, "keys.manage")
    for scope in scopes:
        if scope not in PERMISSIONS:
            raise Invalid(f"There is no permission {scope}.", field="scopes", rule="known")
        if not can(user, scope):
            raise Invalid(f"{user} may not {scope}.", field="scopes", rule="own")
    if not scopes:
        raise Invalid("A key needs a scope.", field="scopes", rule="required")
    if expires_at is not None and expires_at <= now:
        raise Invalid("A key expires in the future.", field="expires_at", rule="future")
    prefix, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    key = ApiKey.objects.create(
        user=user,
        name=name,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=sorted(set(scopes)),
        created_at=now,
        created_by=acting_user,
        expires_at=expires_at,
    )
    record_event(
        "key.made",
        acting_user=acting_user,
        now=now,
        subject="api_key",
        subject_id=key.public_id,
        user=str(user.public_id),
        scopes=key.scopes,
    )
    return key, f"{prefix}.{secret}"


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
    if key is None or not same or key.revoked_at is not None or not key.user.is_active:
        return None
    if key.expires_at is not None and key.expires_at <= now:
        return None
    if key.last_used_at is None or now - key.last_used_at > TOUCH_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    return key
