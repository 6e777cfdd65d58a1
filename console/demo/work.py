"""The demo's projects: two with made-up tasks that share pools, two with real answers."""

import csv
import tempfile
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from console.demo.staff import Staff
from console.demo.truth import DATA, DESK_ONTOLOGY, REAL, STREET_ONTOLOGY, read_rows
from quality.services.importing import import_judgments
from quality.services.skills import estimate_skills
from routing.models import Policy, Project
from routing.services.intake import import_tasks
from routing.services.policies import change_draft, default_document, publish_policy
from routing.services.projects import add_guideline, create_project
from workforce.models import Annotator, ExternalId, Proficiency, Skill
from workforce.services import availability, people

IMPORTED = 2 / 3
KEYS = ("street-scenes", "claims-desk")
SERVING = {"in_progress_limit": 10, "lease_minutes": 60}
# key, share of the project's tasks, typical size
STREET = (
    ("bounding-box", 0.55, 6),
    ("polygon", 0.2, 4),
    ("image-classification", 0.2, 1),
    ("lidar", 0.05, 8),
)
DESK = (
    ("document-classification", 0.3, 300),
    ("ner", 0.2, 180),
    ("sentiment", 0.2, 60),
    ("transcription", 0.1, 45),
    ("preference-ranking", 0.12, 2),
    ("red-team", 0.08, 4),
)


def make_projects(staff: Staff, now: datetime) -> None:
    """Make the two projects that share pools, without tasks."""
    by = {"acting_user": staff.operations, "now": now}
    street = create_project(
        key="street-scenes",
        name="Street scenes",
        customer="Auto Nova",
        currency="EUR",
        time_zone="Europe/Berlin",
        error_cost_micro=1_500_000,
        reference_hosts=["images.demo.example"],
        **SERVING,
        is_demo=True,
        **by,
    )
    desk = create_project(
        key="claims-desk",
        name="Claims desk",
        customer="Helvia Insurance",
        currency="EUR",
        time_zone="Europe/Zurich",
        error_cost_micro=2_500_000,
        late_cost_micro=400_000,
        required_attestations=["nda"],
        **SERVING,
        is_demo=True,
        **by,
    )
    for project, ontology in ((street, STREET_ONTOLOGY), (desk, DESK_ONTOLOGY)):
        add_guideline(
            project,
            content=f"How {project.name.lower()} are labelled. Version one.",
            ontology=ontology,
            effective_from=now,
            **by,
        )
        _publish(project, staff, now)


def deliver(
    counts: tuple[int, int], staff: Staff, now: datetime, *, first: tuple[int, int] = (0, 0)
) -> None:
    """Import so many tasks of street scenes and of the claims desk, numbered after `first`.

    Delivered twice they are there once.
    """
    rng = np.random.default_rng([7, *first] if any(first) else 7)
    for key, count, before in zip(KEYS, counts, first, strict=True):
        kinds = STREET if key == "street-scenes" else DESK
        rows = made_up_rows(kinds, count, rng, now, street=key == "street-scenes", before=before)
        import_rows(key, rows, staff, now)


def _publish(project: Project, staff: Staff, now: datetime) -> None:
    """Publish the default rules, with reviews drawn at random: only those measure people."""
    draft = Policy.objects.get(project=project, state="draft")
    document = default_document()
    document["review_choices"] = ["random"]
    # Whoever is new gets a twentieth of the low-risk work, at no more than this a task.
    document["newcomers"] = {"share": 0.05, "price": 2.0}
    change_draft(
        draft,
        document,
        expected_hash=draft.document_hash,
        note="Reviews are drawn at random",
        acting_user=staff.operations,
        now=now,
    )
    draft.refresh_from_db()
    publish_policy(draft, acting_user=staff.second, now=now)


def made_up_rows(
    kinds: Sequence[tuple[str, float, int]],
    count: int,
    rng: np.random.Generator,
    now: datetime,
    *,
    street: bool,
    before: int = 0,
) -> list[dict[str, Any]]:
    """Return tasks with a real spread of complexity and risk."""
    keys = rng.choice([k for k, _s, _t in kinds], count, p=[s for _k, s, _t in kinds])
    typical = {k: t for k, _s, t in kinds}
    classes = ["public", "internal", "pii", "phi", "regulated"]
    shares = [0.5, 0.4, 0.1, 0.0, 0.0] if street else [0.05, 0.35, 0.4, 0.1, 0.1]
    uses = ["advisory", "product", "business_critical", "safety_critical"]
    use_shares = [0.15, 0.6, 0.15, 0.1] if street else [0.2, 0.5, 0.3, 0.0]
    midnight = datetime.combine(now.date(), time(16), now.tzinfo)
    rows = []
    for i, number in enumerate(range(before, before + count)):
        key = str(keys[i])
        size = max(1.0, round(float(rng.lognormal(np.log(typical[key]), 0.55)), 0))
        days = int(rng.integers(-1, 9))
        data = str(rng.choice(classes, p=shares))
        rows.append(
            {
                "external_id": f"{'scene' if street else 'claim'}-{number + 1:05d}",
                "task_type": key,
                "size": size,
                "entropy": round(float(rng.beta(1.6, 4)), 3),
                "disagreement": round(float(rng.beta(1.2, 6)), 3) if i % 2 else "",
                "edge_case": "yes" if rng.random() < 0.03 else "no",
                "data_class": data,
                "use": str(rng.choice(uses, p=use_shares)),
                "harm": "mild" if key == "red-team" else "none",
                "residency": "DE" if data == "phi" else "",
                "language": "" if street else str(rng.choice(["en", "de"], p=[0.8, 0.2])),
                "domain": _domain(street, float(rng.random())),
                "priority": int(rng.integers(0, 3)),
                "due": (midnight + timedelta(days=days)).isoformat(),
                "payload_reference": f"https://images.demo.example/{number}.jpg" if street else "",
                "payload": "" if street else f"Claim {number + 1}: text of the case.",
            }
        )
    return rows


def _domain(street: bool, draw: float) -> str:
    if street:
        return "automotive"
    return "radiology" if draw < 0.03 else "claims" if draw < 0.06 else "general"


def import_rows(project: str, rows: list[dict[str, Any]], staff: Staff, now: datetime) -> None:
    """Import tasks of a project from a file of these rows."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.csv"
        write_rows(path, list(rows[0]), rows)
        found = import_tasks(path, project_key=project, acting_user=staff.operations, now=now)
    if found.refused:
        raise RuntimeError(f"the demo's own tasks are refused: {found.refused[0]}")


def write_rows(path: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    """Write a CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def make_real(staff: Staff, now: datetime, keys: Sequence[str] = REAL) -> None:
    """Import the real answers of two thirds of the questions; the last third is open work.

    The annotators are those of the answers: who they are is known by number only, how good they
    are by what they answered.
    """
    still_open: dict[Project, list[str]] = {}
    for key in keys:
        questions = read_rows(DATA / key / "truth.csv")
        order = sorted((row["question"] for row in questions), key=lambda q: (len(q), q))
        past = set(order[: round(len(order) * IMPORTED)])
        project = create_project(
            key=key,
            name=f"{key.capitalize()}s (real answers)",
            customer="Published data",
            currency="EUR",
            error_cost_micro=300_000,
            is_demo=True,
            acting_user=staff.operations,
            now=now,
        )
        _lenient(project, staff, now)
        with tempfile.TemporaryDirectory() as folder:
            answers, truths = Path(folder) / "answer.csv", Path(folder) / "truth.csv"
            given = [r for r in read_rows(DATA / key / "answer.csv") if r["question"] in past]
            write_rows(answers, ["question", "worker", "answer"], given)
            write_rows(
                truths, ["question", "truth"], [r for r in questions if r["question"] in past]
            )
            import_judgments(
                answers,
                project_key=key,
                gold_path=truths,
                acting_user=staff.quality,
                now=now,
            )
        still_open[project] = [question for question in order if question not in past]
    estimate_skills(acting_user=staff.quality, now=now)
    for project, questions_left in still_open.items():
        _qualify(project.key, staff, now)
        open_rows = [
            {
                "external_id": question,
                "task_type": "image-classification",
                "classes": 4 if project.key == "dog" else 2,
                "data_class": "public",
                "use": "advisory",
            }
            for question in questions_left
        ]
        import_rows(project.key, open_rows, staff, now)


def _lenient(project: Project, staff: Staff, now: datetime) -> None:
    """Publish rules that suit a crowd: many cheap answers, own staff only."""
    draft = Policy.objects.get(project=project, state="draft")
    document = default_document()
    document["answers"] = [1, 3, 5, 7, 9]
    document["pools"] = ["in-house"]
    document["wait_price"] = 3
    document["gates"]["level"] = {}
    for row in document["matrix"].values():
        for cell in row.values():
            cell["target_error"] = max(cell["target_error"], 0.2)
    change_draft(
        draft,
        document,
        expected_hash=draft.document_hash,
        note="Own annotators, up to nine answers",
        acting_user=staff.operations,
        now=now,
    )
    draft.refresh_from_db()
    publish_policy(draft, acting_user=staff.second, now=now)


def _qualify(key: str, staff: Staff, now: datetime) -> None:
    """Give the annotators of the answers two hours a day, and the level that they have earned."""
    by = {"acting_user": staff.operations, "now": now}
    skill = Skill.objects.get(key="image-classification")
    rates = dict(
        Proficiency.objects.filter(skill=skill, as_of=now).values_list("annotator_id", "rate")
    )
    ids = ExternalId.objects.filter(account=key).values_list("annotator_id", flat=True)
    for number, annotator in enumerate(Annotator.objects.filter(pk__in=list(ids)).order_by("pk")):
        annotator.hourly_cost_micro = 12_000_000
        annotator.save(update_fields=["hourly_cost_micro"])
        row = people.declare_skill(annotator, skill, level_of(rates[annotator.pk]), **by)
        people.verify_skill(row, **by)
        availability.set_week(
            annotator,
            sorted((number + day) % 7 for day in range(5)),
            starts=time(9),
            ends=time(11),
            valid_from=now.date() - timedelta(days=30),
            **by,
        )


def level_of(rate: float) -> int:
    """Return the level that a measured rate earns: from 0.55, 0.7, 0.8, 0.9 on one more."""
    return 1 + sum(rate >= bound for bound in (0.55, 0.7, 0.8, 0.9))
