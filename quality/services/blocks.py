"""Blocks: the answers to one task type of one project, which share a set of labels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from scipy import sparse

from quality.core import truth
from quality.core.ageing import weights
from quality.core.truth_interval import Tally
from quality.models import Judgment, QualificationItem
from quality.services.answers import Answers, Floats, Ints, read_answers, read_ids
from quality.services.effort import Durations, model_ids, usual_seconds
from quality.services.truths import known_truths
from routing.models import Task

DAY = 86_400.0


@dataclass(frozen=True)
class Block:
    """Ids of a project, a task type, and the skill under which its judgments are scored."""

    project: int
    task_type: int
    skill: int


@dataclass(frozen=True)
class Labels:
    """The likeliest label of every task of a block, (T,) each, by task id.

    label : position in `classes`, which are the labels in use
    """

    block: Block
    task: Ints
    classes: tuple[str, ...]
    label: Ints
    probability: Floats


@dataclass(frozen=True)
class Sums:
    """What a block tells of its annotators, (W,) each, by annotator id.

    n, n_gold : answers, and how many of them on gold
    tally : expected numbers of right answers, with their doubts
    durations : how long answers took, where that is known
    """

    block: Block
    annotator: Ints
    n: Ints
    n_gold: Ints
    tally: Tally
    durations: Durations
    tasks: int
    answers: int
    gold: int
    converged: bool


def blocks(*, skill: int | None = None, project: int | None = None) -> list[Block]:
    """Return the blocks of a skill, or of a project, that have tasks, in a fixed order."""
    tasks = Task.objects.all()
    if skill is not None:
        tasks = tasks.filter(task_type__skill_id=skill)
    if project is not None:
        tasks = tasks.filter(project_id=project)
    rows = tasks.order_by().values_list("project_id", "task_type_id", "task_type__skill_id")
    return [Block(*row) for row in sorted(rows.distinct())]


def estimate_blocks(some: Sequence[Block], now: datetime) -> Iterator[tuple[Labels, Sums]]:
    """Yield the estimate of every block that has answers by `now`, one block read at a time."""
    for block in some:
        given = Judgment.objects.filter(
            task__project_id=block.project, task__task_type_id=block.task_type
        )
        # Who sits a qualification knows it: that says less of how they work.
        asked = read_ids(QualificationItem.objects.all(), "task_id")
        tasks = np.setdiff1d(read_ids(given, "task_id"), asked, assume_unique=True)
        answers = read_answers(tasks, now)
        if len(answers):
            yield _estimated(block, answers, now)


def _estimated(block: Block, answers: Answers, now: datetime) -> tuple[Labels, Sums]:
    tasks, task = np.unique(answers.task, return_inverse=True)
    people, annotator = np.unique(answers.annotator, return_inverse=True)
    rows, truths = _gold(block, tasks, now)
    classes = sorted({*answers.words, *truths})
    place = {word: number for number, word in enumerate(classes)}
    known = np.full(len(tasks), -1)
    known[rows] = [place[word] for word in truths]
    age = (now.timestamp() - answers.submitted) / DAY
    result = truth.estimate(
        task,
        annotator,
        np.array([place[word] for word in answers.words])[answers.label],
        gold=known,
        weight=weights(age, settings.ESTIMATE_HALF_LIFE_DAYS),
    )
    label, probability = _likeliest(result.probability[:, : len(classes)])
    sums = Sums(
        block=block,
        annotator=people,
        n=np.bincount(annotator, minlength=len(people)),
        n_gold=np.bincount(annotator[known[task] >= 0], minlength=len(people)),
        tally=result.tally,
        durations=_durations(answers, now),
        tasks=len(tasks),
        answers=len(answers),
        gold=len(rows),
        converged=result.converged,
    )
    return Labels(block, tasks, tuple(classes), label, probability), sums


def _gold(block: Block, tasks: Ints, now: datetime) -> tuple[Ints, list[str]]:
    """Return the rows of `tasks` whose truth is known, and their truths."""
    held = known_truths(now, project=block.project, task_type=block.task_type)
    ids = np.array(sorted(held), dtype=np.int64)
    rows = np.searchsorted(tasks, ids)
    there = np.flatnonzero(tasks[np.minimum(rows, len(tasks) - 1)] == ids)
    return rows[there], [held[int(ids[i])] for i in there.tolist()]


def _likeliest(table: Any) -> tuple[Ints, Floats]:
    """Return the column and the value of the largest of each row, dense or sparse."""
    best = np.asarray(table.argmax(axis=1)).reshape(-1)
    top = table.max(axis=1)
    return best, (top.toarray() if sparse.issparse(top) else np.asarray(top)).reshape(-1)


def _durations(answers: Answers, now: datetime) -> Durations:
    timed = answers.timed(model_ids())
    tasks, row = np.unique(timed.task, return_inverse=True)
    return Durations(timed.annotator, timed.seconds, usual_seconds(tasks, now)[row])
