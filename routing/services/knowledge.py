"""What a run owes to what was learned: the same work, hours and prices under older estimates.

The recorded inputs of a run are decided twice: as they are, and with the rates, speeds, effort and
facts that stood at an earlier time in their place. The plan made in ignorance is then priced by
what is known now, so that both plans are held against one truth.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from django.utils.translation import gettext as _

from common.errors import Invalid
from routing.choices import Mode, RunState
from routing.core.crews import PRIOR_RATE, PRIOR_RATE_LOWER
from routing.core.decide import Outcome, day_costs, decide, wait_costs
from routing.core.effort import expected_seconds
from routing.core.gates import touch_gates
from routing.core.newcomers import hours_weighted_median
from routing.core.pricing import Pricing
from routing.core.record import unpack
from routing.core.tables import RECORD_TYPES, Crews, Floats, Inputs, Ints
from routing.models import Run, RunCrew, RunRecord, TaskType
from routing.services.demand import type_columns
from routing.services.scoring import learned_effort
from workforce.models import Skill
from workforce.selectors import known_of


@dataclass(frozen=True)
class Valued:
    """What a plan comes to: money in major units of the run's currency.

    placed, waiting : tasks; spend : to be paid; error : expected share of wrong labels among the
    placed; cost : money, errors, lateness and waiting; above : placed tasks whose error is above
    the target of their cell; short : hours that crews would need beyond those they have
    """

    placed: int
    waiting: int
    spend: float
    error: float
    cost: float
    above: int
    short: float


@dataclass(frozen=True)
class CrewRate:
    """A crew's rate in a skill, before and after: mean and lower bound, and its speed factor."""

    crew: str
    skill: str
    tasks: int
    before: tuple[float, float, float]
    after: tuple[float, float, float]


@dataclass(frozen=True)
class Learnt:
    """One run under two states of knowledge.

    believed : the plan made by the old estimates, valued by them; meant : that plan valued by what
    is known now; plan : the run's own plan, valued by what is known now
    moved : tasks that the two plans do not give to the same mode and pool (waiting counts as one)
    by_mode, by_pool : tasks of the old plan and of the new one, by name
    """

    before: datetime
    tasks: int
    believed: Valued
    meant: Valued
    plan: Valued
    moved: int
    moved_arrangement: int
    by_mode: dict[str, tuple[int, int]]
    by_pool: dict[str, tuple[int, int]]
    crews: list[CrewRate]


def compare_knowledge(run: Run, *, before: datetime) -> Learnt:
    """Return what became of a run by what was learned since a time; nothing is written.

    Raises
    ------
    Invalid
        If the run did not finish: it has no record.
    """
    if run.state != RunState.DONE or not RunRecord.objects.filter(run=run).exists():
        raise Invalid(_("Only a finished run can be compared."), field="run", rule="done")
    inputs: Inputs = unpack(bytes(run.record.inputs), *RECORD_TYPES)
    old = known_before(run, inputs, before)
    now_plan, old_plan = decide(inputs), decide(old)
    names = list(run.crews.order_by("number").values_list("name", flat=True))
    return Learnt(
        before=before,
        tasks=int(inputs.cohorts.count.sum()),
        believed=value(old_plan, old),
        meant=value(old_plan, inputs),
        plan=value(now_plan, inputs),
        moved=_moved(old_plan, now_plan, inputs, fine=False),
        moved_arrangement=_moved(old_plan, now_plan, inputs, fine=True),
        by_mode=_pairs(
            [str(Mode(name).label) for name in Mode.values],
            *(_by_mode(outcome) for outcome in (old_plan, now_plan)),
        ),
        by_pool=_pairs(
            list(inputs.pools.key),
            *(_by_pool(outcome, inputs) for outcome in (old_plan, now_plan)),
        ),
        crews=_crew_rates(old, inputs, now_plan, names),
    )


def known_before(run: Run, inputs: Inputs, before: datetime) -> Inputs:
    """Return the inputs of a run with the estimates that stood at an earlier time."""
    types = {kind.pk: kind for kind in TaskType.objects.filter(pk__in=inputs.types.id.tolist())}
    rows = [types[pk] for pk in inputs.types.id.tolist()]
    by_key = {skill.key: skill for skill in Skill.objects.filter(key__in=inputs.skills)}
    skills = [by_key[key] for key in inputs.skills]
    measured, _versions = type_columns(rows, skills, before)
    cohorts = inputs.cohorts
    at = cohorts.task_type, cohorts.complexity.astype(np.int64)
    usual = np.ones(len(rows))[:, None] * np.ones(4)
    then, now = (expected_seconds(usual, *learned_effort(rows, time)) for time in (before, run.now))
    return replace(
        inputs,
        types=measured,
        cohorts=replace(cohorts, hours=cohorts.hours * (then / now)[at]),
        crews=_crews_before(run, inputs, skills, before),
    )


def _crews_before(run: Run, inputs: Inputs, skills: list[Skill], before: datetime) -> Crews:
    """Return the crews of a run with what was known of their members at a time."""
    members: list[int] = []
    crew: list[int] = []
    hours: list[float] = []
    for row in RunCrew.objects.filter(run=run).order_by("number"):
        for member in row.members:
            members.append(member["id"])
            crew.append(row.number)
            hours.append(sum(member["hours"]))
    group = np.array(crew, dtype=np.int64)
    weight = np.maximum(np.array(hours, dtype=np.float64), 1e-9)
    known = known_of(members, [skill.pk for skill in skills], before)
    n = len(inputs.crews)

    def mean(values: Floats, prior: float) -> Floats:
        filled = np.where(np.isnan(values), prior, values)
        total = np.bincount(group, weight, minlength=n)
        sums = [np.bincount(group, weight * column, minlength=n) for column in filled.T]
        return np.stack(sums, axis=1) / total[:, None]

    return replace(
        inputs.crews,
        rate=mean(known.rate, PRIOR_RATE),
        rate_lower=mean(known.lower, PRIOR_RATE_LOWER),
        speed=mean(known.speed, 1.0),
        evidence=np.stack(
            [hours_weighted_median(column, weight, group, n) for column in known.evidence.T],
            axis=1,
        ),
    )


def value(outcome: Outcome, inputs: Inputs) -> Valued:
    """Return what a plan comes to under the estimates of `inputs`.

    The plan may have been made under others, for the same cohorts, crews, days and prices.
    """
    pricing = Pricing(inputs, touch_gates(inputs))
    found, plan = outcome.candidates, outcome.plan
    k, a, d, n = plan.cohort, plan.arrangement, plan.day, plan.tasks
    spend, error = np.zeros(len(k)), np.zeros(len(k))
    used = np.zeros((len(inputs.crews), inputs.days))
    for pair in np.unique(found.pair[a]).tolist():
        mine = np.flatnonzero(found.pair[a] == pair)
        label, review = int(found.label[pair]), int(found.review[pair])
        at = k[mine], a[mine]
        grid = np.searchsorted(pricing.answer_grid, found.answers[at])
        options = pricing.single(
            label,
            review,
            k[mine],
            grid,
            found.share[at].astype(np.float64),
            found.choice[at].astype(np.int64),
        )
        spend[mine], error[mine] = options.spend[0], options.error[0]
        np.add.at(used[label], d[mine], options.label_hours[0] * n[mine])
        if review >= 0:
            np.add.at(used[review], d[mine], options.review_hours[0] * n[mine])
    waiting = np.asarray(plan.waiting)
    placed = int(n.sum())
    wrong = error * inputs.cohorts.error_cost[k]
    return Valued(
        placed=placed,
        waiting=int(waiting.sum()),
        spend=float(spend @ n),
        error=float(error @ n) / placed if placed else 0.0,
        cost=float((spend + wrong + day_costs(inputs)[k, d]) @ n + wait_costs(inputs) @ waiting),
        above=int(n[error > pricing.target[k] + 1e-6].sum()),
        short=float(np.maximum(used - inputs.crews.hours, 0.0).sum()),
    )


def _by_mode(outcome: Outcome) -> Ints:
    found, plan = outcome.candidates, outcome.plan
    mode = found.mode[found.pair[plan.arrangement]]
    return np.bincount(mode, plan.tasks, minlength=len(Mode.values)).astype(np.int64)


def _by_pool(outcome: Outcome, inputs: Inputs) -> Ints:
    found, plan = outcome.candidates, outcome.plan
    pool = inputs.crews.pool[found.label_of[plan.arrangement]]
    return np.bincount(pool, plan.tasks, minlength=len(inputs.pools.key)).astype(np.int64)


def _pairs(names: list[str], old: Ints, new: Ints) -> dict[str, tuple[int, int]]:
    rows = zip(names, old.tolist(), new.tolist(), strict=True)
    return {name: (before, after) for name, before, after in rows if before or after}


def _moved(old: Outcome, new: Outcome, inputs: Inputs, *, fine: bool) -> int:
    """Count the tasks that two plans do not treat alike: by mode and pool, or in all that is asked.

    Tasks of a cohort are alike: of each cohort those are moved that the plans do not share.
    """
    counts: dict[tuple[object, ...], list[int]] = {}
    for side, outcome in enumerate((old, new)):
        found, plan = outcome.candidates, outcome.plan
        for k, a, n in zip(
            plan.cohort.tolist(), plan.arrangement.tolist(), plan.tasks.tolist(), strict=True
        ):
            pair = int(found.pair[a])
            label, review = int(found.label[pair]), int(found.review[pair])
            key: tuple[object, ...] = k, int(found.mode[pair]), int(inputs.crews.pool[label])
            if fine:
                share = round(float(found.share[k, a]), 6)
                key = k, label, review, int(found.answers[k, a]), share, int(found.choice[k, a])
            counts.setdefault(key, [0, 0])[side] += n
        for k, n in enumerate(np.asarray(plan.waiting).tolist()):
            counts.setdefault((k, "waits"), [0, 0])[side] += n
    return sum(max(after - before, 0) for before, after in counts.values())


def _crew_rates(
    old: Inputs, new: Inputs, plan: Outcome, names: list[str], most: int = 8
) -> list[CrewRate]:
    """Return the crews whose knowledge changed most where they are given work, by what it moved."""
    found, made = plan.candidates, plan.plan
    skill = new.types.skill[new.cohorts.task_type[made.cohort]]
    tasks = np.zeros((len(new.crews), len(new.skills)))
    np.add.at(tasks, (found.label_of[made.arrangement], skill), made.tasks)
    change = np.abs(new.crews.rate - old.crews.rate) + 0.5 * np.abs(
        np.log(new.crews.speed) - np.log(old.crews.speed)
    )
    weight = change * (new.crews.hours.sum(axis=1) > 0)[:, None]
    # Crews that are given work first; of the others those whose rate moved most.
    order = np.lexsort((-weight.ravel(), -np.minimum(tasks.ravel(), 1.0)))[:most]
    rows = []
    for c, s in zip(*np.unravel_index(order, weight.shape), strict=True):
        if weight[c, s] > 0:
            values = [
                (float(side.rate[c, s]), float(side.rate_lower[c, s]), float(side.speed[c, s]))
                for side in (old.crews, new.crews)
            ]
            rows.append(CrewRate(names[c], new.skills[s], int(tasks[c, s]), values[0], values[1]))
    return rows
