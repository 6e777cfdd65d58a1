"""Learning effort from the seconds of judgments: per type and band, and per annotator."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db import transaction

from accounts.models import User
from accounts.permissions import require
from quality.models import Judgment
from quality.services.answers import Answers, read_answers
from routing.choices import Band
from routing.core import effort
from routing.models import EffortEstimate
from routing.services.effort import record_effort
from routing.services.scoring import default_seconds, learned_effort, scored_tasks


@dataclass(frozen=True)
class Refit:
    """What a refit read and wrote."""

    durations: int
    groups: int


@transaction.atomic
def refit_effort(*, acting_user: User, now: datetime) -> Refit:
    """Fit the effort of every task type and band from the durations known at `now`, and keep it.

    Billable seconds are read, raw ones where no rule has derived billable ones. A second refit as
    of the same time changes nothing.
    """
    require(acting_user, "effort.refit")
    answers = read_answers(Judgment.objects.all(), now).timed()
    if not len(answers):
        return Refit(0, 0)
    tasks, row = np.unique(answers.task, return_inverse=True)
    people, who = np.unique(answers.annotator, return_inverse=True)
    columns, types, scored = scored_tasks(tasks.tolist())
    group = scored.task_type * 4 + scored.scores.complexity_band
    found = effort.fit(
        answers.seconds,
        default_seconds(columns, types, scored.task_type)[row],
        group[row],
        len(types) * 4,
        who,
        len(people),
    )
    rows = [
        EffortEstimate(
            task_type=types[g // 4],
            complexity_band=Band.values[g % 4],
            as_of=now,
            n=int(found.n[g]),
            log_factor=float(found.log_factor[g]),
            log_spread=float(found.log_spread[g]),
        )
        for g in np.flatnonzero(found.n).tolist()
    ]
    record_effort(rows, acting_user=acting_user, now=now)
    return Refit(len(answers), len(rows))


def speed_factors(answers: Answers, now: datetime) -> dict[int, float]:
    """Return each annotator's time over what the effort model expects, shrunk to 1.

    2 = takes twice as long. Annotators without known times are missing.
    """
    timed = answers.timed()
    if not len(timed):
        return {}
    tasks, row = np.unique(timed.task, return_inverse=True)
    people, who = np.unique(timed.annotator, return_inverse=True)
    columns, types, scored = scored_tasks(tasks.tolist())
    factor, _spread = learned_effort(types, now)
    usual = default_seconds(columns, types, scored.task_type) * np.exp(
        factor[scored.task_type, scored.scores.complexity_band]
    )
    speed = effort.fit_speed(timed.seconds, usual[row], who, len(people))
    return dict(zip(people.tolist(), np.exp(speed).tolist(), strict=True))
