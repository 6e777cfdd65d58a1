"""Facts of task types: measured from answers to items of known truth, read by routing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import numpy as np
from django.db.models import F, Window
from django.db.models.functions import RowNumber

from quality.core import facts
from quality.models import TypeFacts
from quality.services.answers import read_answers
from quality.services.effort import scored_parts
from quality.services.truths import known_truths
from routing.choices import Metric
from routing.models import TaskType
from routing.seams import QualityFacts


def measure_facts(task_types: Iterable[int], now: datetime) -> list[TypeFacts]:
    """Measure facts as of `now` and keep them; part of the caller's transaction.

    They read the answers of all projects to gold tasks of a type, so a type that has facts as of
    this very time keeps them. Types whose answers are not put to a vote have none.
    """
    votes = TaskType.objects.filter(pk__in=list(task_types), metric=Metric.EXACT)
    have = TypeFacts.objects.filter(as_of=now).values("task_type_id")
    rows = [_measured(task_type, now) for task_type in votes.exclude(pk__in=have)]
    return TypeFacts.objects.bulk_create(row for row in rows if row is not None)


def _measured(task_type: TaskType, now: datetime) -> TypeFacts | None:
    truth = known_truths(now, task_type=task_type.pk)
    answers = read_answers(np.array(sorted(truth), dtype=np.int64), now)
    if not len(answers):
        return None
    tasks, item = np.unique(answers.task, return_inverse=True)
    _people, annotator = np.unique(answers.annotator, return_inverse=True)
    place = {word: number for number, word in enumerate(answers.words)}
    wanted = np.array([place.get(truth[task], -1) for task in tasks.tolist()])[item]
    bands = [scored.scores.complexity_band for _columns, _types, scored in scored_parts(tasks)]
    found = facts.measure(
        answers.label == wanted,
        item,
        annotator,
        answers.label,
        np.concatenate(bands)[item],
        classes=task_type.classes,
    )
    low, medium, high, critical = found.difficulty.tolist()
    return TypeFacts(
        task_type=task_type,
        as_of=now,
        version=facts.VERSION,
        dispersion=found.dispersion,
        dispersion_error=None if np.isnan(found.dispersion_error) else found.dispersion_error,
        same_error=found.same_error,
        difficulty_low=low,
        difficulty_medium=medium,
        difficulty_high=high,
        difficulty_critical=critical,
        items=found.items,
        answers=found.answers,
        pairs=found.pairs,
    )


class MeasuredQuality:
    """What routing reads of votes and reviews: the latest facts of each type, else defaults."""

    name = "quality.type-facts"
    version = "1"

    def facts(self, *, task_type_ids: Sequence[int], at: datetime) -> Mapping[int, QualityFacts]:
        """Return the facts of the types that have some as of a time; one query."""
        latest = (
            TypeFacts.objects.filter(task_type_id__in=task_type_ids, as_of__lte=at)
            .annotate(
                newest=Window(RowNumber(), partition_by=F("task_type"), order_by=F("as_of").desc())
            )
            .filter(newest=1)
        )
        usual = QualityFacts()
        return {
            row.task_type_id: QualityFacts(
                dispersion=row.dispersion,
                same_error=row.same_error,
                difficulty=row.difficulty,
                spoil=usual.spoil if row.spoil is None else row.spoil,
                version=f"{row.version} as of {row.as_of.isoformat()}",
            )
            for row in latest
        }
