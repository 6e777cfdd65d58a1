"""What was answered before the demo begins: from it the house knows how good its people are.

Tasks of both made-up projects whose truth is known, answered by everybody who has the skill. The
answers are drawn as those of the week are; the accuracies are measured from them.
"""

import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from console.demo.answering import Person, Work, answer
from console.demo.people import IN_HOUSE, MEASURED, MODEL_RATE, VENDORS, planted_rate
from console.demo.staff import Staff
from console.demo.truth import luck
from console.demo.work import import_rows, made_up_rows, write_rows
from quality.services.importing import import_judgments
from routing.models import TaskType
from workforce.choices import Platform
from workforce.models import Annotator, AnnotatorSkill, ExternalId

# project, task type, typical size, tasks of known truth, answers of each person
PAST = (
    ("street-scenes", "image-classification", 1, 130, 45),
    ("claims-desk", "document-classification", 300, 70, 24),
    ("claims-desk", "sentiment", 60, 70, 24),
    ("claims-desk", "preference-ranking", 2, 90, 45),
    ("claims-desk", "red-team", 4, 90, 45),
)
NEWCOMERS = "meridian"  # of whom little is known
FEW = 6
TEAMS = {team.key: team for team in (IN_HOUSE, *VENDORS)}


def planted(annotator: Annotator, pool: str, number: int) -> Person:
    """Return how an annotator of a made-up team answers; `number` counts within the pool."""
    team = TEAMS.get(pool)
    rate = MODEL_RATE if team is None else planted_rate(team, number)
    return Person(name=f"{pool} {number}", pool=pool, rate=rate, model=annotator.kind == "model")


def numbered(pool: str) -> list[tuple[int, Annotator]]:
    """Return the annotators of a made-up team with their numbers, in the order they came."""
    rows = Annotator.objects.filter(pool__key=pool).exclude(source="import").order_by("pk")
    return list(enumerate(rows))


def make_past(staff: Staff, now: datetime) -> None:
    """Import the tasks of known truth and the answers to them."""
    types = {kind.key: kind for kind in TaskType.objects.select_related("skill")}
    people = _people()
    for project in dict.fromkeys(row[0] for row in PAST):
        _name_people(project, people)
        given: list[dict[str, str]] = []
        truths: list[dict[str, str]] = []
        for place, (of, key, typical, count, each) in enumerate(PAST):
            if of != project:
                continue
            rng = luck("past", key)
            kind = types[key]
            street = project == "street-scenes"
            rows = made_up_rows(((key, 1.0, typical),), count, rng, now, street=street)
            for number, row in enumerate(rows, start=1):
                row |= {"external_id": f"known-{place + 1}{number:03d}", "due": ""}
            import_rows(project, rows, staff, now)
            work = [_work(project, row, kind) for row in rows]
            truths += [{"question": one.external_id, "truth": one.truth} for one in work]
            for who, (person, _annotator, skills) in people.items():
                if kind.skill.key not in skills:
                    continue
                mine = FEW if person.pool == NEWCOMERS else each
                for at in luck("asked", key, who).permutation(count)[:mine].tolist():
                    said = answer(person, work[at], now)
                    given.append({"question": work[at].external_id, "worker": who, "answer": said})
        _import(project, given, truths, staff, now)


def _people() -> dict[str, tuple[Person, Annotator, frozenset[str]]]:
    """Return everybody of the made-up teams by a name in files, with their measured skills."""
    skills: dict[int, set[str]] = defaultdict(set)
    rows = AnnotatorSkill.objects.filter(skill__key__in=MEASURED)
    for annotator, key in rows.values_list("annotator_id", "skill__key"):
        skills[annotator].add(key)
    found = {}
    for pool in (*TEAMS, "model"):
        for number, annotator in numbered(pool):
            person = planted(annotator, pool, number)
            found[f"{pool}-{number:02d}"] = person, annotator, frozenset(skills[annotator.pk])
    return found


def _name_people(project: str, people: dict[str, Any]) -> None:
    """Tell by which names the people stand in the project's files."""
    ExternalId.objects.bulk_create(
        ExternalId(annotator=annotator, platform=Platform.FILE, account=project, external_id=name)
        for name, (_person, annotator, _skills) in people.items()
    )


def _work(project: str, row: dict[str, Any], kind: TaskType) -> Work:
    return Work(
        project=project,
        external_id=row["external_id"],
        task_type=kind.key,
        size=float(row["size"]),
        base_seconds=kind.effort_base_seconds,
        unit_seconds=kind.effort_unit_seconds,
        metric=kind.metric,
        threshold=kind.threshold,
    )


def _import(
    project: str,
    given: list[dict[str, str]],
    truths: list[dict[str, str]],
    staff: Staff,
    now: datetime,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        answers, truth = Path(folder) / "answers.csv", Path(folder) / "truth.csv"
        write_rows(answers, ["question", "worker", "answer"], given)
        write_rows(truth, ["question", "truth"], truths)
        import_judgments(
            answers, project_key=project, gold_path=truth, acting_user=staff.quality, now=now
        )
