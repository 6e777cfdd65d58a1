"""An operation of any size in an empty database, for the benchmarks: seeded, made set-based."""

from datetime import date, datetime, time, timedelta

import numpy as np

MARK = "bench"
COUNTRIES = ("PL", "KE", "IN", "PH")


def make_operation(tasks: int, people: int, *, now: datetime) -> "object":
    """Make house, vendors, pools, people, a policy and tasks; return the user who routes.

    Refuses a database with projects that it did not make. With the right number of tasks already
    there nothing is made again.
    """
    from django.core.management import call_command

    from accounts.choices import Role
    from accounts.models import Membership, Organisation, User
    from routing.models import Project, Task

    call_command("migrate", verbosity=0)
    if Project.objects.exclude(key__startswith=MARK).exists():
        raise SystemExit("This database holds projects of others; use an empty one.")
    house, _made = Organisation.objects.get_or_create(kind="house", defaults={"name": "House"})
    user, made = User.objects.get_or_create(
        email="bench@system.invalid", defaults={"organisation": house, "name": "bench"}
    )
    if made:
        Membership.objects.create(user=user, role=Role.OPERATIONS)
    project = Project.objects.filter(key=MARK).first()
    if project is None:
        project = _make_people_and_project(people, house, user, now)
    if Task.objects.filter(project=project, state="open").count() != tasks:
        Task.objects.all().delete()
        _make_tasks(project, tasks, now)
    return user


def _make_people_and_project(people: int, house, user, now: datetime):  # type: ignore[no-untyped-def]
    from accounts.models import Organisation
    from billing.models import RateCard, RateLine
    from routing.models import Policy, Project, TaskType
    from routing.services.policies import default_document, document_hash
    from vendors.models import Attestation, Vendor
    from workforce.models import Annotator, AnnotatorSkill, Pool, PoolPart, Shift, Skill

    rng = np.random.default_rng(11)
    skills = [Skill.objects.create(key=f"{MARK}-skill-{i}", name=f"Skill {i}") for i in range(6)]
    for number in range(12):
        TaskType.objects.create(
            key=f"{MARK}-type-{number}",
            name=f"Type {number}",
            modality="image",
            quantity_unit="object",
            effort_base_seconds=8 + 2 * number,
            effort_unit_seconds=1.5,
            typical_size=6,
            metric="exact" if number % 2 == 0 else "iou",
            threshold=1 if number % 2 == 0 else 0.75,
            classes=2 + number % 4,
            skill=skills[number % len(skills)],
        )
    pools = [
        Pool.objects.create(
            key="in-house", name="In-house", kind="in_house", currency="EUR", country="DE"
        )
    ]
    second = _second_user(house)
    for number, country in enumerate(COUNTRIES):
        organisation = Organisation.objects.create(name=f"Vendor {number}", kind="vendor")
        vendor = Vendor.objects.create(
            organisation=organisation, key=f"vendor-{number}", state="active", country=country
        )
        for kind in ("gdpr_dpa", "nda", "soc2_type2", "hipaa_baa", "iso27001"):
            Attestation.objects.create(
                vendor=vendor,
                kind=kind,
                scope="all sites",
                issuer="Auditor",
                issued_on=now.date() - timedelta(days=100),
                valid_until=now.date() + timedelta(days=400),
                period_from=now.date() - timedelta(days=300),
                period_to=now.date() + timedelta(days=200),
                declared_by=user,
                verified_by=second,
                verified_at=now,
            )
        pools.append(
            Pool.objects.create(
                key=f"vendor-{number}",
                name=f"Vendor {number}",
                kind="outsourced",
                vendor=vendor,
                currency="EUR",
                country=country,
            )
        )
    model_pool = Pool.objects.create(
        key="model", name="Model", kind="model", currency="EUR", country="DE"
    )
    hybrid = Pool.objects.create(
        key="hybrid", name="Hybrid", kind="hybrid", currency="EUR", country="DE"
    )
    for pool in [*pools[1:], model_pool]:
        PoolPart.objects.create(hybrid=hybrid, part=pool, role="labels")
    PoolPart.objects.create(hybrid=hybrid, part=pools[0], role="reviews")

    annotators = []
    for number in range(people):
        pool = pools[0] if number % 5 == 0 else pools[1 + number % (len(pools) - 1)]
        annotators.append(
            Annotator(
                organisation=pool.vendor.organisation if pool.vendor else house,
                pool=pool,
                name=f"Annotator {number}",
                languages=["en"] if number % 3 else ["en", "de"],
                residency=pool.country,
                clearance=2,
                facts_verified_by=user,
                facts_verified_at=now,
                hourly_cost_micro=32_000_000 if pool.kind == "in_house" else None,
            )
        )
    annotators.append(
        Annotator(
            organisation=house,
            pool=model_pool,
            kind="model",
            name="Model",
            model_name="vision",
            model_version="1",
            prompt_hash="0" * 64,
            rate_limit_per_hour=20_000,
            languages=["en"],
            residency="DE",
            clearance=1,
            facts_verified_by=user,
            facts_verified_at=now,
        )
    )
    annotators = Annotator.objects.bulk_create(annotators)
    # People are alike in groups, as trainings make them: four profiles of levels.
    profiles = rng.integers(2, 5, (4, len(skills))).tolist()
    AnnotatorSkill.objects.bulk_create(
        [
            AnnotatorSkill(
                annotator=annotator,
                skill=skill,
                level=profiles[number % len(profiles)][place] if annotator.kind == "person" else 3,
                state="verified",
                verified_by=user,
                verified_at=now,
            )
            for number, annotator in enumerate(annotators)
            for place, skill in enumerate(skills)
        ]
    )
    Shift.objects.bulk_create(
        [
            Shift(
                annotator=annotator,
                weekday=weekday,
                starts=time(8),
                ends=time(16),
                valid_from=date(2026, 1, 1),
            )
            for annotator in annotators
            if annotator.kind == "person"
            for weekday in range(5)
        ]
    )
    for pool, label in [*zip(pools[1:], (9.0, 6.5, 7.0, 6.0), strict=True), (model_pool, 0)]:
        card = RateCard.objects.create(name=f"{pool.name} rates", pool=pool, currency="EUR")
        for activity in ("label", "review"):
            RateLine.objects.create(
                card=card,
                activity=activity,
                unit="item" if pool is model_pool else "hour",
                unit_price_micro=4_000 if pool is model_pool else round(label * 1_000_000),
                valid_from=date(2026, 1, 1),
            )
    project = Project.objects.create(
        key=MARK, name="Bench", currency="EUR", error_cost_micro=2_000_000
    )
    document = default_document()
    Policy.objects.create(
        project=project,
        version=1,
        state="published",
        document=document,
        document_hash=document_hash(document),
        author=user,
        created_at=now,
        published_by=second,
        published_at=now,
    )
    return project


def _second_user(house):  # type: ignore[no-untyped-def]
    from accounts.models import Membership, User

    second = User.objects.create(email="bench2@system.invalid", organisation=house, name="bench 2")
    Membership.objects.create(user=second, role="operations")
    return second


def _make_tasks(project, count: int, now: datetime) -> None:  # type: ignore[no-untyped-def]
    from common.bulk import insert_rows
    from routing.models import Task, TaskType

    types = list(TaskType.objects.filter(key__startswith=MARK).order_by("pk"))
    for start in range(0, count, 20_000):
        rng = np.random.default_rng([13, start])
        size = min(20_000, count - start)
        kind = rng.integers(0, len(types), size)
        objects = np.round(rng.lognormal(1.2, 0.6, size), 0) + 1
        entropy = np.round(rng.beta(2, 5, size), 2)
        data = rng.choice(["public", "internal", "pii", "phi"], size, p=[0.35, 0.4, 0.2, 0.05])
        use = rng.choice(
            ["advisory", "product", "business_critical", "safety_critical"],
            size,
            p=[0.3, 0.5, 0.15, 0.05],
        )
        due = rng.integers(0, 20, size)
        language = rng.choice(["", "en", "de"], size, p=[0.6, 0.3, 0.1])
        insert_rows(
            [
                Task(
                    project=project,
                    external_id=f"t{start + i}",
                    task_type=types[kind[i]],
                    size=float(objects[i]),
                    entropy=float(entropy[i]),
                    data_class=str(data[i]),
                    use=str(use[i]),
                    language=str(language[i]),
                    due_at=now + timedelta(days=int(due[i]), hours=10),
                    created_at=now,
                )
                for i in range(size)
            ]
        )
