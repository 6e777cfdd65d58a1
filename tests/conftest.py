"""What the tests share: a small house with two vendors, a model and a project, made by services."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts.choices import Role
from accounts.models import User
from accounts.services.users import create_user, house, system_user
from tests.snapshot import Snapshot

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)  # a Monday, eight in the morning in Berlin
TODAY = date(2026, 3, 2)


def pytest_configure() -> None:
    """Close connections after each request: the live server's would keep the database in use."""
    from django.conf import settings

    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    """Keep locks, seals and uploads of a test to itself, and passwords cheap."""
    settings.VAR_DIR = tmp_path
    # Sign-in is made slow on purpose; the tests make many users.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.AUDIT_SEAL_FILE = tmp_path / "seals.jsonl"
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture(autouse=True)
def _flushable(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let a test that commits be cleaned up on SQLite, where flushing deletes row by row.

    The triggers that refuse it come back after the flush, which ends like a migration.
    """
    marker = request.node.get_closest_marker("django_db")
    if not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    yield
    from django.db import connection

    from common import triggers

    if connection.vendor == "sqlite":
        triggers.drop_all(connection)


@pytest.fixture(scope="session")
def services() -> Iterator[str]:
    """The address of a real broker; only the services suite has one."""
    return os.environ["TEST_BROKER_URL"]


@dataclass
class World:
    """The small house; every maker goes through the services."""

    users: dict[str, User]
    pools: dict[str, Any] = field(default_factory=dict)
    vendors: dict[str, Any] = field(default_factory=dict)

    @property
    def by(self) -> dict[str, Any]:
        return {"acting_user": self.users["operations"], "now": NOW}

    def as_(self, name: str) -> dict[str, Any]:
        return {"acting_user": self.users[name], "now": NOW}

    def add_vendor(self, key: str, *, hourly: str = "9", people: int = 3, **contract: Any) -> Any:
        from billing.services.rates import add_line, create_card
        from vendors.services import vendors
        from workforce.services.pools import create_pool

        vendor = vendors.create_vendor(name=key.title(), key=key, country="PL", **self.by)
        for state in ("onboarding", "calibration", "active"):
            vendors.change_state(vendor, state, **self.by)
        made = vendors.add_contract(
            vendor,
            **{
                "number": f"C-{key}",
                "starts_on": date(2026, 1, 1),
                "ends_on": date(2027, 1, 1),
                "currency": "EUR",
                **contract,
            },
            **self.by,
        )
        pool = create_pool(
            key=key,
            name=key.title(),
            kind="outsourced",
            currency="EUR",
            vendor=vendor,
            country="PL",
            **self.by,
        )
        self.vendors[key], self.pools[key] = vendor, pool
        card = create_card(
            name=key, pool=pool, currency="EUR", contract=made, **self.as_("finance")
        )
        for activity in ("label", "review"):
            add_line(
                card,
                activity=activity,
                unit="hour",
                unit_price=hourly,
                valid_from=date(2026, 1, 1),
                **self.as_("finance"),
            )
        for number in range(people):
            self.add_person(key, f"{key} {number}", rate=0.92)
        return vendor

    def add_person(
        self,
        pool: str,
        name: str,
        *,
        level: int = 4,
        rate: float = 0.95,
        skills: tuple[str, ...] = ("image-classification", "image-boxes"),
        hours: tuple[int, int] = (8, 16),
        days: tuple[int, ...] = (0, 1, 2, 3, 4),
        verified: bool = True,
        **values: Any,
    ) -> Any:
        from workforce.models import Proficiency, Skill
        from workforce.services import availability, people
        from workforce.services.proficiencies import record_proficiencies

        person = people.create_annotator(
            self.pools[pool],
            name=name,
            **{
                "email": f"{name.replace(' ', '.')}@example.org",
                "residency": "DE" if pool == "in-house" else "PL",
                "languages": ["en"],
                "clearance": 2,
                "time_zone": "Europe/Berlin",
                "hourly_cost_micro": 30_000_000 if pool == "in-house" else None,
                **values,
            },
            **self.by,
        )
        if verified:
            people.verify_facts(person, **self.by)
        if days:
            availability.set_week(
                person,
                days,
                starts=time(hours[0]),
                ends=time(hours[1]),
                valid_from=date(2026, 1, 1),
                **self.by,
            )
        for key in skills:
            row = people.declare_skill(person, Skill.objects.get(key=key), level, **self.by)
            if verified:
                people.verify_skill(row, **self.by)
        record_proficiencies(
            [
                Proficiency(
                    annotator=person,
                    skill=Skill.objects.get(key=key),
                    as_of=NOW - timedelta(days=1),
                    version="test",
                    n=200,
                    n_gold=200,
                    rate=rate,
                    rate_lower=max(rate - 0.03, 0),
                    rate_upper=min(rate + 0.03, 1),
                )
                for key in skills
            ],
            **self.by,
        )
        return person

    def everybody_leaves(self) -> None:
        from workforce.models import Annotator
        from workforce.services import people

        for annotator in Annotator.objects.exclude(status="left"):
            people.change_status(annotator, "left", **self.by)

    def attest(self, vendor: str, kind: str, **values: Any) -> Any:
        from vendors.services import vendors

        row = vendors.declare_attestation(
            self.vendors[vendor],
            kind=kind,
            **{
                "scope": "all",
                "issuer": "Auditor",
                "issued_on": date(2026, 1, 1),
                "valid_until": date(2026, 12, 31),
                **values,
            },
            **self.by,
        )
        return vendors.verify_attestation(row, **self.as_("second"))

    def add_project(self, key: str = "street", *, rules: Any = None, **values: Any) -> Any:
        from routing.models import Policy
        from routing.services.policies import change_draft, default_document, publish_policy
        from routing.services.projects import create_project

        project = create_project(
            key=key,
            name=key.title(),
            **{"currency": "EUR", "error_cost_micro": 1_000_000, **values},
            **self.by,
        )
        draft = Policy.objects.get(project=project)
        if rules is not None:
            document = default_document()
            rules(document)
            change_draft(draft, document, expected_hash=draft.document_hash, **self.by)
        publish_policy(draft, **self.as_("second"))
        return project

    def add_tasks(self, project: Any, count: int, **values: Any) -> list[Any]:
        from routing.models import Task, TaskType

        start = Task.objects.filter(project=project).count()
        values.setdefault("task_type", TaskType.objects.get(key="image-classification"))
        return Task.objects.bulk_create(
            [
                Task(project=project, external_id=f"t{start + i}", created_at=NOW, **values)
                for i in range(count)
            ]
        )

    def set_state(self, task: Any, to_state: str) -> None:
        """Bring a task to a state by the fewest steps."""
        from django.db import transaction

        from routing.choices import TASK_TRANSITIONS
        from routing.services.task_states import move_tasks

        task.refresh_from_db()
        ways = [[str(task.state)]]
        while ways[0][-1] != to_state:
            way = ways.pop(0)
            ways += [[*way, str(to)] for to in sorted(TASK_TRANSITIONS[way[-1]]) if to not in way]
        with transaction.atomic():
            for before, after in itertools.pairwise(ways[0]):
                move_tasks([task.pk], from_state=before, to_state=after, **self.by)

    def assign(self, task: Any, annotator: Any, **values: Any) -> Any:
        """Make an assignment as it would stand after being taken."""
        from routing.models import Assignment

        return Assignment.objects.create(
            **{
                "task": task,
                "annotator": annotator,
                "human": annotator.person_id or -annotator.pk,
                "pool": annotator.pool,
                "day": TODAY,
                "reserved_at": NOW,
                "lease_until": NOW + timedelta(hours=2),
                **values,
            }
        )

    def route(self, *keys: str, **values: Any) -> Any:
        from routing.services.run import route

        return route(project_keys=list(keys) or None, **{**self.by, **values})


SMALL_HOUSE: Snapshot[World] = Snapshot()


@pytest.fixture
def world(db: None) -> World:
    """Own staff of four, vendors "alpha" and "beta" of three, and a hybrid pool of them."""
    return SMALL_HOUSE.get(_small_house)


def _small_house() -> World:
    from routing.services.catalogue import load_catalogue
    from workforce.services.pools import add_part, create_pool

    root = {"acting_user": system_user("system.test"), "now": NOW}
    roles = {
        "operations": Role.OPERATIONS,
        "second": Role.OPERATIONS,
        "quality": Role.QUALITY_LEAD,
        "sla": Role.SLA_REVIEWER,
        "finance": Role.FINANCE,
        "auditor": Role.AUDITOR,
        "admin": Role.ADMINISTRATOR,
    }
    users = {
        name: create_user(
            email=f"{name}@house.example",
            name=name,
            organisation=house(),
            roles=[role],
            password="pass",
            **root,
        )
        for name, role in roles.items()
    }
    made = World(users)
    load_catalogue(**made.by)
    made.pools["in-house"] = create_pool(
        key="in-house",
        name="In-house",
        kind="in_house",
        currency="EUR",
        country="DE",
        **made.by,
    )
    for number in range(4):
        made.add_person("in-house", f"own {number}")
    made.add_vendor("alpha", hourly="9")
    made.add_vendor("beta", hourly="11")
    hybrid = create_pool(
        key="hybrid", name="Hybrid", kind="hybrid", currency="EUR", country="DE", **made.by
    )
    for key in ("alpha", "beta"):
        add_part(hybrid, made.pools[key], "labels", **made.by)
    add_part(hybrid, made.pools["in-house"], "reviews", **made.by)
    made.pools["hybrid"] = hybrid
    return made


@pytest.fixture
def vendor_user(world: World) -> User:
    """A manager of vendor alpha."""
    return create_user(
        email="manager@alpha.example",
        name="Manager",
        organisation=world.vendors["alpha"].organisation,
        roles=[Role.VENDOR_MANAGER],
        password="pass",
        **world.as_("admin"),
    )


def micro(amount: str) -> int:
    """Return micro-units of a decimal amount."""
    return int(Decimal(amount) * 1_000_000)
