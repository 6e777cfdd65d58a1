"""Where gold is thin: by label against the accepted labels, and by skill against its people.

Only gold that can be asked unseen counts: in force, not in doubt, of no qualification set, its task
not taken out of work.
"""

from collections import defaultdict
from datetime import datetime
from statistics import median

import pandas as pd
from django.db.models import Count, Exists, QuerySet

from accounts.access import scoped
from accounts.models import User
from accounts.permissions import require
from quality.models import GoldAnswer, Label
from quality.services.answer_checks import read_ontology
from quality.services.gold import NO_GOLD
from quality.services.gold_evidence import in_doubt
from quality.services.truths import gold_in_force
from routing.choices import Purpose
from routing.models import Assignment, GuidelineVersion, TaskType
from workforce.models import AnnotatorSkill, Skill

VIEW = "gold.view"
THIN = 10  # gold of a label: with fewer, how often it is missed cannot be told
LABELS = ("project", "name", "task_type", "label", "gold", "accepted", "thin")
SKILLS = ("skill", "gold", "annotators", "least_left", "median_left")


def askable_gold(now: datetime) -> QuerySet[GoldAnswer]:
    """Return the gold that can be asked unseen at a time."""
    return (
        gold_in_force(now)
        .filter(task__qualification_item__isnull=True)
        .exclude(task__state__in=NO_GOLD)
        .exclude(Exists(in_doubt()))
    )


def gold_by_label(*, acting_user: User, now: datetime) -> pd.DataFrame:
    """Return askable gold and accepted labels of every label that has either or is to be had.

    thin : fewer than THIN gold tasks. Labels that guidelines name and nobody used are listed.
    Ordered by project, task type and gold, the thinnest first.
    """
    require(acting_user, VIEW)
    where = ("task__project__key", "task__project__name", "task__task_type__key")
    gold: dict[tuple[str, str, str, str], int] = {
        tuple(row[:4]): row[4]
        for row in scoped(askable_gold(now), acting_user)
        .exclude(label="")
        .order_by()
        .values_list(*where, "label")
        .annotate(n=Count("pk"))
    }
    accepted: dict[tuple[str, str, str, str], int] = {
        tuple(row[:4]): row[4]
        for row in scoped(Label.objects.filter(ended_at__isnull=True), acting_user)
        .exclude(value="")
        .order_by()
        .values_list(*where, "value")
        .annotate(n=Count("pk"))
    }
    named: set[tuple[str, str, str, str]] = set()
    kinds = {key[:3] for key in (*gold, *accepted)}
    versions = GuidelineVersion.objects.filter(
        project__key__in={project for project, _name, _kind in kinds}
    )
    latest = dict(versions.order_by("number").values_list("project__key", "ontology"))
    for project, name, kind in kinds:
        ontology = read_ontology(latest.get(project, {}), kind)
        named |= {(project, name, kind, label) for label in ontology.labels}
    titles = dict(TaskType.objects.values_list("key", "name"))
    rows = [
        (
            project,
            name,
            titles[kind],
            label,
            gold.get((project, name, kind, label), 0),
            accepted.get((project, name, kind, label), 0),
            gold.get((project, name, kind, label), 0) < THIN,
        )
        for project, name, kind, label in {*gold, *accepted, *named}
    ]
    rows.sort(key=lambda row: (row[1], row[0], row[2], row[4], row[3]))
    return pd.DataFrame(rows, columns=list(LABELS)).astype({"thin": bool})


def gold_by_skill(*, acting_user: User, now: datetime) -> pd.DataFrame:
    """Return askable gold of each skill, who holds it, and how much of it they have not seen.

    least_left, median_left : gold that the active holder who saw most, and the middle one, never
    had; all of it where nobody holds the skill
    """
    require(acting_user, VIEW)
    tasks = scoped(askable_gold(now), acting_user)
    gold = dict(tasks.order_by().values_list("task__task_type__skill").annotate(n=Count("pk")))
    holders: dict[int, set[int]] = defaultdict(set)
    for skill, annotator in AnnotatorSkill.objects.filter(
        state="verified", annotator__status="active"
    ).values_list("skill_id", "annotator_id"):
        holders[skill].add(annotator)
    had: dict[int, dict[int, int]] = defaultdict(dict)
    seen = Assignment.objects.filter(
        task__in=tasks.values("task"), purpose__in=(Purpose.GOLD, Purpose.LABEL)
    )
    for skill, annotator, n in (
        seen.order_by()
        .values_list("task__task_type__skill", "annotator")
        .annotate(n=Count("task", distinct=True))
    ):
        had[skill][annotator] = n
    rows = []
    for row in Skill.objects.filter(pk__in={*gold, *holders}).order_by("name"):
        n, people = gold.get(row.pk, 0), holders.get(row.pk, set())
        left = [n - had[row.pk].get(annotator, 0) for annotator in people] or [n]
        rows.append((row.name, n, len(people), min(left), int(median(left))))
    return pd.DataFrame(rows, columns=list(SKILLS))


__all__ = ["LABELS", "SKILLS", "THIN", "VIEW", "askable_gold", "gold_by_label", "gold_by_skill"]
