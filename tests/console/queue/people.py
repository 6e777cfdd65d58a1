"""Logins of annotators, and work for them."""

import re
from typing import Any

from django.test import Client

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user
from routing.models import Placement
from tests.conftest import World
from workforce.models import Annotator
from workforce.services.people import link_login


def login_for(world: World, annotator: Annotator, *, tag: str = "") -> User:
    """Give an annotator a login with the role annotator."""
    user = create_user(
        email=f"login{tag}{annotator.pk}@x.example",
        name=annotator.name,
        organisation=annotator.organisation,
        roles=[Role.ANNOTATOR],
        password="pass",
        **world.as_("admin"),
    )
    link_login(annotator, user, **world.as_("admin"))
    return user


def holders(world: World, count: int = 2) -> list[Annotator]:
    """Return people of the pool that the routed work went to, each with a login."""
    pool = Placement.objects.values_list("pool_id", flat=True).first()
    found = list(Annotator.objects.filter(pool_id=pool).order_by("pk")[:count])
    for annotator in found:
        login_for(world, annotator)
    return found


def browser_of(user: Any, **headers: str) -> Client:
    made = Client(headers=headers or None)
    made.force_login(user)
    return made


def plain(page: Any) -> str:
    """Return the text of a page without what is new on each: the token of its forms."""
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page.content.decode())
