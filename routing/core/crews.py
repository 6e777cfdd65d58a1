"""Crews: the people of a pool who are alike in all that the gates of the work at hand ask for.

Crews partition the people, so hours are counted once; there are as many as the work needs. A
certificate that lapses inside the horizon is part of what its holders share: the gate of work that
needs it shuts on the day after its last one, while their hours stay with the crew for other work.
"""

import numpy as np
from numpy.typing import NDArray

from routing.core.newcomers import hours_weighted_median
from routing.core.tables import Crews, Floats, Ints, People

PRIOR_RATE = 0.85
PRIOR_RATE_LOWER = 0.70


def partition(people: People, *, harmful: bool) -> Crews:
    """Group people into crews.

    Parameters
    ----------
    people : columns hold only what the work at hand asks for (skills, certificates, languages,
        countries), so people differ only where a gate can tell them apart
    harmful : whether harmful work is there, so that opting in to it tells people apart

    Returns
    -------
    Crews ordered by pool, then by what they share; `member_of` (N,) is each person's crew.
    """
    N, _D = people.hours.shape
    exposure = people.exposure if harmful else np.zeros(N, dtype=bool)
    capped = np.asarray(np.isfinite(people.answers).all(axis=1))
    key = np.column_stack(
        [
            people.pool,
            people.residency,
            people.clearance,
            exposure,
            # One without a cap must not lend his freedom to those who have one.
            capped,
            people.level,
            people.certified_days,
            people.speaks,
        ]
    ).astype(np.int64)
    unique, first, member_of = np.unique(key, axis=0, return_index=True, return_inverse=True)
    member_of = member_of.reshape(-1)
    C = len(unique)
    hours = _by_day(people.hours, member_of, C)
    here = people.hours > 0
    # No member takes more harmful content than his cap allows, nor than he has hours.
    harm = np.where(exposure[:, None], np.minimum(people.harm_hours, people.hours), np.inf)
    answers = np.where(here, people.answers, 0.0)
    free = ~capped[first]
    weight = people.hours.sum(axis=1)
    # Someone without hours in the horizon still speaks for the crew where nobody has any.
    weight = np.where(weight > 0, weight, 1e-9)
    cost = np.where(np.isnan(people.hourly_cost), 0.0, people.hourly_cost)
    any_cost = np.bincount(member_of, ~np.isnan(people.hourly_cost), minlength=C) > 0
    mean_cost = _mean(cost, np.where(np.isnan(people.hourly_cost), 0, weight), member_of, C)
    return Crews(
        pool=people.pool[first],
        member_of=member_of.astype(np.int64),
        hours=hours,
        harm_hours=_by_day(harm, member_of, C),
        answers=np.where(free[:, None], np.inf, _by_day(answers, member_of, C)),
        members=_distinct_persons(people, member_of, C),
        level=people.level[first],
        certified_days=people.certified_days[first],
        speaks=people.speaks[first],
        residency=people.residency[first],
        clearance=people.clearance[first],
        exposure=exposure[first],
        rate=_by_skill(people.rate, PRIOR_RATE, weight, member_of, C),
        rate_lower=_by_skill(people.rate_lower, PRIOR_RATE_LOWER, weight, member_of, C),
        speed=_by_skill(people.speed, 1.0, weight, member_of, C),
        evidence=_evidence(people.evidence, weight, member_of, C),
        hourly_cost=np.where(any_cost, mean_cost, np.nan),
        answer_hours=_mean(people.answer_hours, weight, member_of, C),
    )


def _by_day(values: Floats, group: Ints, groups: int) -> Floats:
    """Return the sums of each group (groups, D)."""
    total = np.zeros((groups, values.shape[1]))
    np.add.at(total, group, values)
    return total


def _mean(values: Floats, weight: Floats, group: NDArray[np.int64], groups: int) -> Floats:
    total = np.bincount(group, weight, minlength=groups)
    summed = np.bincount(group, weight * values, minlength=groups)
    return np.divide(summed, total, out=np.zeros(groups), where=total > 0)


def _by_skill(values: Floats, prior: float, weight: Floats, group: Ints, groups: int) -> Floats:
    """Return the hour-weighted mean of each skill (groups, S); the unknown counts as the prior."""
    S = values.shape[1]
    filled = np.where(np.isnan(values), prior, values)
    means = [_mean(filled[:, s], weight, group, groups) for s in range(S)]
    return np.stack(means, axis=1) if S else np.zeros((groups, 0))


def _evidence(values: Floats, weight: Floats, group: Ints, groups: int) -> Floats:
    columns = [
        hours_weighted_median(values[:, s], weight, group, groups) for s in range(values.shape[1])
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((groups, 0))


def _distinct_persons(people: People, member_of: Ints, groups: int) -> Ints:
    """Count per crew and day the human beings with hours: two accounts of one count once."""
    _N, D = people.hours.shape
    members = np.zeros((groups, D), dtype=np.int64)
    for day in range(D):
        here = people.hours[:, day] > 0
        pairs = np.unique(np.column_stack([member_of[here], people.person[here]]), axis=0)
        if len(pairs):
            members[:, day] = np.bincount(pairs[:, 0], minlength=groups)
    return members
