"""Logins of two annotators of the demo, for /queue/: one of own staff, one of a vendor."""

from datetime import datetime

from django.db import transaction

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user, system_user
from audit.models import Event
from audit.services.events import record_event
from routing.errors import LimitReached
from routing.services.claiming import claim
from workforce.choices import AnnotatorKind, AnnotatorStatus
from workforce.models import Annotator
from workforce.services.people import link_login

TAKEN = "demo.task_taken"
# pool → e-mail of the login
WHERE = {"in-house": "own@annotators.example", "veritas": "vendor@annotators.example"}


def annotator_logins(password: str, *, now: datetime) -> list[tuple[str, str, str]]:
    """Return (whose, e-mail, password) of the annotators who may sign in, made where missing."""
    found = []
    for pool, email in WHERE.items():
        user = User.objects.filter(email=email).first() or _made(pool, email, password, now)
        if user is not None:
            _take_in_hand(user, now)
            found.append((f"annotator of {user.organisation}", email, password))
    return found


def _made(pool: str, email: str, password: str, now: datetime) -> User | None:
    """Give the first active person of a pool a login; None where there is nobody."""
    annotator = (
        Annotator.objects.select_related("organisation")
        .filter(pool__key=pool, kind=AnnotatorKind.PERSON, status=AnnotatorStatus.ACTIVE, user=None)
        # Those who stand in answers that were imported have no address.
        .exclude(email="")
        .order_by("pk")
        .first()
    )
    if annotator is None:
        return None
    demo = system_user("system.demo")
    user = create_user(
        email=email,
        name=annotator.name,
        organisation=annotator.organisation,
        roles=[Role.ANNOTATOR],
        password=password,
        acting_user=demo,
        now=now,
    )
    link_login(annotator, user, acting_user=demo, now=now)
    return user


def _take_in_hand(user: User, now: datetime) -> None:
    """Let somebody take a task, so that the console shows one in hand."""
    annotator = Annotator.objects.filter(user=user, status=AnnotatorStatus.ACTIVE).first()
    if annotator is None or Event.objects.filter(kind=TAKEN, subject_id=annotator.public_id):
        return
    with transaction.atomic():
        try:
            claim(annotator, count=1, acting_user=user, now=now)
        except LimitReached:
            return
        record_event(
            TAKEN,
            acting_user=system_user("system.demo"),
            now=now,
            subject="annotator",
            subject_id=annotator.public_id,
        )
