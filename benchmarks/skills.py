"""Estimate a skill from a million judgments or more, beside a bare COPY of the same columns.

    DATABASE_URL=postgres://… python -m benchmarks.skills --answers 1000000

makes people, projects and judgments in an EMPTY PostgreSQL database (it refuses one that holds
projects it did not make), estimates the skill as of times of its own, and prints seconds, the
part of them that is the core's, the ratio to the COPY in the same run, and the peak memory of this
process. A tenth of the tasks is gold; half of the answers have their seconds.
"""

import argparse
import os
import resource
import time
from datetime import UTC, datetime

import django
from django.db import transaction

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
MARK = "bench-skill"
VOTES = 4


def main() -> None:
    """Read the arguments, make the answers, time their estimation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--projects", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    django.setup()

    from common.time import utc_now
    from quality.services.skills import estimate_skill

    user, skill = make(options.answers, options.people, options.projects)
    base = peak()
    for attempt in range(options.repeat):
        floor = copy_seconds()
        core = timed_core()
        started = time.perf_counter()
        found = estimate_skill(skill, acting_user=user, now=utc_now())
        total = time.perf_counter() - started
        print(
            f"run {attempt + 1}: {total:.1f} s, of them {sum(core):.1f} s in truth.estimate; "
            f"COPY {floor:.1f} s, ratio {total / floor:.1f}; "
            f"peak {peak():.0f} MiB ({base:.0f} before); {found}",
            flush=True,
        )


def peak() -> float:
    """Return the peak memory of this process in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def timed_core() -> list[float]:
    """Have the core's calls timed from now on; returns the list that they are added to."""
    from quality.core import truth
    from quality.services import blocks

    seconds: list[float] = []

    class Timed:
        @staticmethod
        def estimate(*args: object, **kwargs: object) -> object:
            started = time.perf_counter()
            found = truth.estimate(*args, **kwargs)  # type: ignore[arg-type]
            seconds.append(time.perf_counter() - started)
            return found

    blocks.truth = Timed  # type: ignore[assignment]
    return seconds


def copy_seconds() -> float:
    """Time a bare COPY of the columns read, in text, by the driver."""
    from django.db import connection

    started = time.perf_counter()
    with connection.cursor() as cursor:
        sql = (
            "COPY (SELECT task_id, annotator_id, attempt, label, raw_seconds, submitted_at"
            " FROM quality_judgment) TO STDOUT"
        )
        with cursor.copy(sql) as copy:
            for _row in copy:
                pass
    return time.perf_counter() - started


@transaction.atomic
def make(answers: int, people: int, projects: int):  # type: ignore[no-untyped-def]
    """Make the skill's work by SQL; returns who estimates, and the skill."""
    from django.db import connection

    from accounts.choices import Role
    from accounts.models import Membership, Organisation, User
    from quality.models import Judgment
    from routing.models import Project, Task, TaskType
    from workforce.models import Annotator, Pool, Skill

    if Project.objects.exclude(key__startswith=MARK).exists():
        raise SystemExit("This database holds projects of others; use an empty one.")
    house, _made = Organisation.objects.get_or_create(kind="house", defaults={"name": "House"})
    user, made = User.objects.get_or_create(
        email="skills@system.invalid", defaults={"organisation": house, "name": "bench"}
    )
    if made:
        Membership.objects.create(user=user, role=Role.QUALITY_LEAD)
    skill, _made = Skill.objects.get_or_create(key=MARK, defaults={"name": "Bench"})
    if Judgment.objects.count() == answers:
        return user, skill
    if Project.objects.exists():
        raise SystemExit("This database holds another number of judgments; use an empty one.")
    kind = TaskType.objects.create(
        key=MARK,
        name="Bench",
        modality="image",
        quantity_unit="item",
        effort_base_seconds=6,
        effort_unit_seconds=0,
        metric="exact",
        threshold=1,
        classes=4,
        skill=skill,
    )
    values = {"kind": "in_house", "currency": "EUR", "country": "DE"}
    pools = [Pool.objects.create(key=f"{MARK}-{i}", name=f"P{i}", **values) for i in range(4)]
    Annotator.objects.bulk_create(
        Annotator(organisation=house, pool=pools[i % 4], name=f"A{i}") for i in range(people)
    )
    for number in range(projects):
        project = Project.objects.create(key=f"{MARK}-{number}", name=f"P{number}", currency="EUR")
        Task.objects.create(project=project, task_type=kind, external_id="t0", created_at=NOW)
    first = Annotator.objects.order_by("pk")[0].pk
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        cursor.execute(TASKS, [answers // VOTES // projects - 1])
        cursor.execute(JUDGMENTS, [first, NOW, people, VOTES])
        cursor.execute(GOLD, [user.pk, NOW])
        cursor.execute("ANALYZE")
    return user, skill


# The first task of each project again and again.
TASKS = """
INSERT INTO routing_task SELECT row.* FROM routing_task t, generate_series(1, %s) n,
    LATERAL jsonb_populate_record(t, jsonb_build_object(
        'id', nextval(pg_get_serial_sequence('routing_task', 'id')),
        'public_id', gen_random_uuid(), 'external_id', 't' || n)) AS row
"""
# Rows stand in no order. The truth of a task is its id modulo 4; annotators are right .7, .77, .84
# or .91 of the time.
JUDGMENTS = """
INSERT INTO quality_judgment (public_id, task_id, annotator_id, attempt, answer, label, raw_seconds,
    time_rule, source, submitted_at)
SELECT gen_random_uuid(), task, %s + who, 1, '""',
    'class ' || (task + CASE WHEN chance < .7 + .07 * (who %% 4) THEN 0
        ELSE 1 + floor(random() * 3)::int END) %% 4,
    CASE WHEN task %% 2 = 0 THEN 6 * exp(random()) END, '', 'import',
    %s - random() * interval '300 days'
FROM (SELECT t.id AS task, (t.id * 13 + vote * 101) %% %s AS who, random() AS chance
    FROM routing_task t, generate_series(1, %s) vote ORDER BY random()) answer
"""
GOLD = """
INSERT INTO quality_goldanswer (task_id, label, source, set_by_id, set_at)
SELECT id, 'class ' || id %% 4, 'expert', %s, %s FROM routing_task WHERE id / 4 %% 10 = 0
"""

if __name__ == "__main__":
    main()
