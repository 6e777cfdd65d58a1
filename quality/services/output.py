"""Measuring everybody's throughput and speed, per skill, as of a time; kept beside estimates."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from quality.core.throughput import VERSION, measure_rates, measure_speeds
from quality.models import Judgment, Output
from quality.services.effort import model_ids, usual_seconds
from quality.services.evidence import Floats
from quality.services.work import read_work
from routing.choices import Purpose
from workforce.models import Skill

MEASURE = "effort.refit"
# Work of a quarter: enough days, and of how people work now.
WINDOW = timedelta(days=90)
PEOPLE_AT_ONCE = 200  # whose answers are held at a time


def measure_output(skill: Skill, *, acting_user: User, now: datetime) -> list[Output]:
    """Measure what annotators got done under a skill by `now`, and keep it.

    What stands as of the very same time is left. Reading takes its time and writes nothing; what is
    written, is at once.
    """
    require(acting_user, MEASURE)
    if Output.objects.filter(skill=skill, as_of=now).exists():
        return []
    since = now - WINDOW
    parts = [part for part in _work(skill, since, now) if len(part)]
    if not parts:
        return []
    rows = _rows(pd.concat(parts, ignore_index=True), skill, since, now)
    with transaction.atomic():
        # Whoever measures the same skill waits here until the rows below can be seen.
        list(Skill.objects.select_for_update(no_key=True).filter(pk=skill.pk))
        if Output.objects.filter(skill=skill, as_of=now).exists():
            return []
        made = Output.objects.bulk_create(rows, batch_size=1_000)
        record_event(
            "output.measured",
            acting_user=acting_user,
            now=now,
            subject="skill",
            subject_id=skill.key,
            annotators=len(made),
            answers=sum(row.answers for row in made),
            version=VERSION,
        )
    return made


def _work(skill: Skill, since: datetime, now: datetime) -> Iterator[pd.DataFrame]:
    """Yield the answers of some people at a time, with what was expected of each."""
    people = list(
        Judgment.objects.filter(
            task__task_type__skill=skill,
            assignment__purpose=Purpose.LABEL,
            submitted_at__gte=since,
            submitted_at__lt=now,
        )
        .order_by("annotator_id")
        .values_list("annotator_id", flat=True)
        .distinct()
    )
    kept = ["annotator", "day", "seconds", "trusted", "accepted", "rejected", "usual"]
    for start in range(0, len(people), PEOPLE_AT_ONCE):
        some = people[start : start + PEOPLE_AT_ONCE]
        # The instant itself belongs to the next night.
        work = read_work(
            now - timedelta(microseconds=1),
            since=since,
            annotators=some,
            task__task_type__skill=skill,
        )
        tasks = np.unique(work["task"].to_numpy(dtype=np.int64))
        usual = pd.Series(usual_seconds(tasks, now), index=tasks, dtype=float)
        yield work.assign(usual=work["task"].map(usual).astype(float)).loc[:, kept]


def _rows(work: pd.DataFrame, skill: Skill, since: datetime, now: datetime) -> list[Output]:
    people, who = np.unique(work["annotator"].to_numpy(dtype=np.int64), return_inverse=True)
    day = work["day"].to_numpy(dtype=np.int64)
    trusted = work["trusted"].to_numpy(dtype=bool)
    accepted = work["accepted"].to_numpy(dtype=np.float64)
    seconds = np.nan_to_num(work["seconds"].to_numpy(dtype=np.float64))
    W = len(people)
    hour = measure_rates(who, day, accepted * trusted, seconds / 3600.0 * trusted, W)
    # A day that was worked is one, however many answers it has.
    _each, first = np.unique(np.stack([who, day]), axis=1, return_index=True)
    worked = np.zeros(len(work))
    worked[first] = 1.0
    days = measure_rates(who, day, accepted, worked, W)
    timed = trusted & ~np.isin(people, model_ids())[who]
    speed = measure_speeds(
        who[timed], day[timed], seconds[timed], work["usual"].to_numpy()[timed], W
    )

    def count(values: Floats) -> list[int]:
        return [int(n) for n in np.bincount(who, values, minlength=W)]

    answers, rejected = count(np.ones(len(work))), count(work["rejected"].to_numpy(dtype=float))
    right = count(accepted)
    return [
        Output(
            annotator_id=int(person),
            skill=skill,
            since=since,
            as_of=now,
            version=VERSION,
            answers=answers[i],
            accepted=right[i],
            rejected=rejected[i],
            days=int(days.days[i]),
            trusted_hours=float(hour.exposure[i]),
            per_hour=_known(hour.value[i]),
            hour_lower=float(hour.lower[i]),
            hour_upper=_known(hour.upper[i]),
            per_day=_known(days.value[i]),
            day_lower=float(days.lower[i]),
            day_upper=_known(days.upper[i]),
            timed=int(speed.answers[i]),
            speed=float(speed.factor[i]) if speed.answers[i] else None,
            speed_lower=float(speed.lower[i]) if speed.answers[i] else None,
            speed_upper=float(speed.upper[i]) if speed.answers[i] else None,
        )
        for i, person in enumerate(people.tolist())
    ]


def _known(value: float) -> float | None:
    """Return a finite value, None for what is not known or has no end."""
    return float(value) if np.isfinite(value) else None
