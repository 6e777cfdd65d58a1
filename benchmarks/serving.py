"""An operation to be served, for benchmarks and tests of many clients: people, keys, placements."""

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

KEY = "serving"


@dataclass(frozen=True)
class Serving:
    """Annotators' ids with the token of a key of each; how many tasks are placed."""

    annotators: list[int]
    tokens: list[str]
    placed: int


def make_serving(
    tasks: int, people: int, *, now: datetime, answers: int = 1, gold: int = 0
) -> Serving:
    """Make an operation in a database without projects and route it, all of it to own staff today.

    One pool of people who are there all day and may have a thousand tasks in hand, one task type
    that is voted on, `answers` asked of each task; beside them gold tasks, which claims mix in at
    the rate for people of whom nothing is known.
    """
    from accounts.services.users import system_user
    from routing.models import Placement, Project
    from routing.services.catalogue import load_catalogue
    from routing.services.run import route
    from workforce.services.pools import create_pool

    if Project.objects.exists():
        raise SystemExit("This database holds projects; use an empty one.")
    by: dict[str, Any] = {"acting_user": system_user("system.bench"), "now": now}
    load_catalogue(**by)
    pool = create_pool(key="own", name="Own", kind="in_house", currency="EUR", country="DE", **by)
    annotators, tokens = _people(pool, people, now, by)
    project = _project(answers, by)
    _tasks(project, tasks, now)
    if gold:
        _gold(project, gold, by)
    report = route(project_keys=[KEY], **by)
    placed = Placement.objects.filter(run=Project.objects.get().current_run).count()
    if placed != tasks:
        raise SystemExit(f"{placed} of {tasks} tasks were placed: {report.waiting_reasons}")
    return Serving(annotators, tokens, placed)


def _people(
    pool: Any, people: int, now: datetime, by: dict[str, Any]
) -> tuple[list[int], list[str]]:
    from accounts.choices import Role
    from accounts.services.keys import make_key
    from accounts.services.users import create_user, house
    from workforce.models import Annotator, AnnotatorSkill, Shift, Skill

    skill = Skill.objects.get(key="image-classification")
    users = [
        create_user(
            email=f"server-{number}@bench.example",
            name=f"Server {number}",
            organisation=house(),
            roles=[Role.ANNOTATOR],
            **by,
        )
        for number in range(people)
    ]
    verified = {"verified_by": by["acting_user"], "verified_at": now}
    rows = Annotator.objects.bulk_create(
        Annotator(
            organisation=house(),
            pool=pool,
            user=user,
            name=user.name,
            languages=["en"],
            residency="DE",
            clearance=2,
            facts_verified_by=by["acting_user"],
            facts_verified_at=now,
            hourly_cost_micro=30_000_000,
        )
        for user in users
    )
    AnnotatorSkill.objects.bulk_create(
        AnnotatorSkill(annotator=row, skill=skill, level=4, state="verified", **verified)
        for row in rows
    )
    Shift.objects.bulk_create(
        Shift(
            annotator=row,
            weekday=weekday,
            starts=time(0),
            ends=time(23, 59),
            valid_from=date(2026, 1, 1),
        )
        for row in rows
        for weekday in range(7)
    )
    tokens = [make_key(user, name="bench", scopes=["own_work.do"], **by)[1] for user in users]
    return [row.pk for row in rows], tokens


def _project(answers: int, by: dict[str, Any]) -> Any:
    from accounts.services.users import system_user
    from routing.models import Policy
    from routing.services.policies import change_draft, default_document, publish_policy
    from routing.services.projects import create_project

    project = create_project(
        key=KEY,
        name="Serving",
        currency="EUR",
        error_cost_micro=1_000_000,
        in_progress_limit=1000,
        **by,
    )
    draft = Policy.objects.get(project=project)
    document = default_document()
    document["answers"], document["review_shares"] = [answers], [0.0]
    for row in document["matrix"].values():
        for cell in row.values():
            cell.pop("answers", None)
            cell.pop("review_shares", None)
            cell["target_error"] = 0.9
            cell["modes"] = ["in_house"]
    change_draft(draft, document, expected_hash=draft.document_hash, **by)
    second = {**by, "acting_user": system_user("system.bench2")}
    publish_policy(Policy.objects.get(pk=draft.pk), **second)
    return project


def _gold(project: Any, count: int, by: dict[str, Any]) -> None:
    """Make gold of tasks that nobody is asked otherwise."""
    from common.bulk import insert_rows
    from quality.models import GoldAnswer
    from routing.models import Task, TaskType

    kind = TaskType.objects.get(key="image-classification")
    insert_rows(
        [
            Task(
                project=project,
                external_id=f"g{number}",
                task_type=kind,
                payload={"text": f"gold {number}"},
                state="accepted",
                created_at=by["now"],
            )
            for number in range(count)
        ]
    )
    of = {"source": "expert", "set_by": by["acting_user"], "set_at": by["now"]}
    GoldAnswer.objects.bulk_create(
        GoldAnswer(task_id=pk, label="cat", answer="cat", **of)
        for pk in Task.objects.filter(external_id__startswith="g").values_list("pk", flat=True)
    )


def _tasks(project: Any, count: int, now: datetime) -> None:
    """Make tasks of a fraction of a second each, so that any number of them fits into a day."""
    from common.bulk import insert_rows
    from routing.models import Task, TaskType

    kind = TaskType.objects.get(key="image-classification")
    TaskType.objects.filter(pk=kind.pk).update(effort_base_seconds=0.1, effort_unit_seconds=0.1)
    for start in range(0, count, 20_000):
        insert_rows(
            [
                Task(
                    project=project,
                    external_id=f"t{number}",
                    task_type=kind,
                    payload={"text": f"item {number}"},
                    created_at=now,
                )
                for number in range(start, min(start + 20_000, count))
            ]
        )
