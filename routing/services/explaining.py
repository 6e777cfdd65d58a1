"""From what a run decided to words and rows that a person can read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from common.words import to_json
from routing.choices import Band, DataClass, Mode
from routing.core.arrangements import label_answers
from routing.core.decide import Outcome, slot_prices
from routing.core.gates import GATES, OPEN, touch_gates
from routing.core.review import CHOICES
from routing.core.settle import Placed
from routing.core.tables import Floats, Inputs, Ints
from routing.models import Decision, Run, Task
from routing.services.scoring import TaskScore
from routing.services.waiting import BY_CREW, waiting_reasons

# `values` of a choice makes its list anew each time it is read.
BANDS, DATA_CLASSES, MODES = tuple(Band.values), tuple(DataClass.values), tuple(Mode.values)


def objective(outcome: Outcome, placed: Placed) -> float:
    """Return the objective of what is placed: money, lateness, waiting and missed commitments."""
    found, problem, rows = outcome.candidates, outcome.problem, outcome.rows
    k, a, d, n = placed.cohort, placed.slot, placed.day, placed.tasks
    total = float(found.cost[k, a] @ n + np.asarray(problem.day_cost)[k, d] @ n)
    total += float(np.asarray(problem.wait_cost) @ placed.waiting)
    for r in np.flatnonzero(rows.commitment > 0):
        amount = rows.amounts[int(r)].tocsr()
        used = float(np.asarray(amount[k, a]).ravel() @ n) if len(k) else 0.0
        total += max(rows.commitment[r] - used, 0.0) * rows.shortfall_price[r]
    return total


@dataclass(frozen=True)
class Words:
    """What explanations need beside the arrays: crews' names, domains' keys by id, plan day 0."""

    crews: Sequence[str]
    domains: Mapping[int, str]
    first_day: date


def decisions(
    inputs: Inputs,
    outcome: Outcome,
    placed: Placed,
    words: Words,
    cohorts: Iterable[int] | None = None,
) -> list[Decision]:
    """Return one unsaved decision per cohort (of all, or of those named), without its run."""
    found = outcome.candidates
    priced = found.cost + slot_prices(outcome) if found.cost.size else found.cost
    by_cohort: dict[int, list[int]] = {}
    for row in np.lexsort((placed.slot, placed.day, placed.cohort)).tolist():
        by_cohort.setdefault(int(placed.cohort[row]), []).append(row)
    reasons = waiting_reasons(inputs, outcome, placed, words.crews)
    rows = []
    for k in range(len(inputs.cohorts)) if cohorts is None else map(int, cohorts):
        mine = by_cohort.get(k, [])
        routed = int(placed.tasks[mine].sum()) if mine else 0
        waiting = int(placed.waiting[k])
        chosen = [_chosen(inputs, outcome, placed, r, words) for r in mine]
        runner, difference = _runner_up(inputs, outcome, priced, k, placed.slot[mine], words.crews)
        rows.append(
            Decision(
                number=k,
                project_id=int(inputs.projects.id[inputs.cohorts.project[k]]),
                key=cohort_key(inputs, k, words.domains),
                tasks=routed + waiting,
                routed=routed,
                waiting=waiting,
                chosen=chosen,
                runner_up=runner,
                difference=difference,
                reason=str(reasons[k])[:300],
                why=to_json(reasons[k]) or None,
            )
        )
    return rows


def cohort_key(inputs: Inputs, k: int, domains: Mapping[int, str]) -> dict[str, Any]:
    """Return what the tasks of a cohort share, in words."""
    c = inputs.cohorts
    return {
        "project": inputs.projects.key[c.project[k]],
        "task_type": inputs.types.key[c.task_type[k]],
        "domain": domains.get(int(c.domain[k]), ""),
        "complexity": BANDS[c.complexity[k]],
        "risk": BANDS[c.risk[k]],
        "data_class": DATA_CLASSES[c.data_class[k]],
        "harmful": bool(c.harm[k]),
        "safety_critical": bool(c.safety_critical[k]),
        "residency": inputs.countries[c.residency[k] - 1] if c.residency[k] else "",
        "language": inputs.languages[c.language[k] - 1] if c.language[k] else "",
        "classes": int(c.classes[k]),
        "due_day": int(c.due_day[k]),
        "late_days": int(c.late[k]),
        "hours": float(c.hours[k]),
        "size": float(c.size[k]),
        "error_cost": float(c.error_cost[k]),
    }


def describe(
    inputs: Inputs, outcome: Outcome, k: int, a: int, names: Sequence[str]
) -> dict[str, Any]:
    """Return one arrangement for one cohort, in words and numbers per task."""
    found = outcome.candidates
    pair = int(found.pair[a])
    label, review = int(found.label[pair]), int(found.review[pair])
    pools = inputs.pools
    return {
        "arrangement": a,
        "mode": MODES[found.mode[pair]],
        "label": label,
        "label_crew": names[label],
        "pool": pools.key[inputs.crews.pool[label]],
        "review": review if review >= 0 else None,
        "review_crew": names[review] if review >= 0 else "",
        "review_pool": pools.key[inputs.crews.pool[review]] if review >= 0 else "",
        "answers": int(found.answers[k, a]),
        "review_share": round(float(found.share[k, a]), 6),
        "review_choice": CHOICES[found.choice[k, a]] if review >= 0 else "",
        "money": float(found.spend[k, a]),
        "cost": float(found.cost[k, a]),
        "error": float(found.error[k, a]),
        "label_hours": float(found.label_hours[k, a]),
        "review_hours": float(found.review_hours[k, a]),
        "label_answers": _answers_expected(inputs, label, k, float(found.label_hours[k, a])),
    }


def _answers_expected(inputs: Inputs, label: int, k: int, hours: float) -> float:
    return float(label_answers(inputs, np.array([label]), np.array([k]), np.array([hours]))[0])


def _chosen(
    inputs: Inputs, outcome: Outcome, placed: Placed, row: int, words: Words
) -> dict[str, Any]:
    k, a, d = int(placed.cohort[row]), int(placed.slot[row]), int(placed.day[row])
    return {
        **describe(inputs, outcome, k, a, words.crews),
        "day": (words.first_day + timedelta(days=d)).isoformat(),
        "first_day": words.first_day.isoformat(),
        "lateness": float(np.asarray(outcome.problem.day_cost)[k, d]),
        "tasks": int(placed.tasks[row]),
    }


def _runner_up(
    inputs: Inputs, outcome: Outcome, priced: Floats, k: int, chosen: Ints, names: Sequence[str]
) -> tuple[dict[str, Any] | None, float | None]:
    """Return the best arrangement that was not chosen, and what it costs more at these prices."""
    if not priced.size:
        return None, None
    others = priced[k].copy()
    others[chosen] = np.inf
    best = int(np.argmin(others))
    if not np.isfinite(others[best]):
        return None, None
    rival = describe(inputs, outcome, k, best, names)
    if not len(chosen):
        return rival, None
    # Prices are those of the linear plan; below zero the rounding went the dearer way.
    return rival, float(others[best] - priced[k, chosen].min())


def capacity_prices(inputs: Inputs, outcome: Outcome, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return what one unit more of each scarce row is worth, by day (None = over the horizon)."""
    rows, plan = outcome.rows, outcome.plan
    found: list[dict[str, Any]] = []
    for r, d in zip(*np.nonzero(plan.prices > 1e-9), strict=True):
        kind = rows.kinds[r]
        if kind == "window":
            continue
        name = names[int(rows.names[r].split()[-1])] if kind in BY_CREW else rows.names[r]
        found.append({"row": name, "kind": kind, "day": int(d), "price": float(plan.prices[r, d])})
    for r in np.flatnonzero(plan.share_prices > 1e-9).tolist():
        price = float(plan.share_prices[r])
        found.append({"row": rows.names[r], "kind": rows.kinds[r], "day": None, "price": price})
    return sorted(found, key=lambda item: (-float(str(item["price"])), str(item["row"])))[:200]


def candidate_table(inputs: Inputs, outcome: Outcome) -> dict[str, Any]:
    """Return the candidates of a run as small arrays: what the run stores and pages read."""
    found, plan = outcome.candidates, outcome.plan
    k, a = np.nonzero(np.isfinite(found.cost))
    added = slot_prices(outcome)[k, a] if len(k) else np.zeros(0)
    return {
        "label": found.label.astype(np.int32),
        "review": found.review.astype(np.int32),
        "mode": found.mode.astype(np.int8),
        "shut": found.shut,
        "touch": touch_gates(inputs).shut,
        "pair": found.pair.astype(np.int32),
        "k": k.astype(np.int32),
        "a": a.astype(np.int32),
        "cost": found.cost[k, a].astype(np.float32),
        "priced": (found.cost[k, a] + added).astype(np.float32),
        "spend": found.spend[k, a].astype(np.float32),
        "error": found.error[k, a].astype(np.float32),
        "answers": found.answers[k, a],
        "share": found.share[k, a].astype(np.float32),
        "choice": found.choice[k, a],
        "label_hours": found.label_hours[k, a].astype(np.float32),
        "review_hours": found.review_hours[k, a].astype(np.float32),
        "rates": [
            [
                inputs.pools.name[pool],
                inputs.types.key[kind],
                activity,
                words,
                version,
                *(inputs.rates.label if activity == "label" else inputs.rates.review)[
                    pool, kind
                ].tolist(),
            ]
            for pool, kind, activity, words, version in inputs.rates.told
        ],
        "plan": {
            "cohort": plan.cohort,
            "arrangement": plan.arrangement,
            "day": plan.day,
            "tasks": plan.tasks,
            "waiting": plan.waiting,
            "cost": plan.cost,
            "lower_bound": plan.lower_bound,
        },
    }


def candidate_rows(
    table: Mapping[str, Any], names: Sequence[str], k: int, *, chosen: Collection[int] = ()
) -> list[dict[str, Any]]:
    """Return the candidates of a cohort from the stored table: open ones by price, then shut.

    One row per open arrangement (money, error, hours, price with scarce rows), and one per pair of
    crews that a gate shuts out, with the gate and what would open it. `chosen` are slots.
    """
    rows: list[dict[str, Any]] = []
    first = np.searchsorted(table["k"], k)
    last = np.searchsorted(table["k"], k, side="right")
    for i in range(int(first), int(last)):
        a = int(table["a"][i])
        pair = int(table["pair"][a])
        rows.append(
            {
                **_pair(table, names, pair),
                "open": True,
                "chosen": a in chosen,
                "answers": int(table["answers"][i]),
                "share": float(table["share"][i]),
                "choice": CHOICES[int(table["choice"][i])],
                "money": float(table["spend"][i]),
                "cost": float(table["cost"][i]),
                "priced": float(table["priced"][i]),
                "error": float(table["error"][i]),
                "hours": float(table["label_hours"][i] + table["review_hours"][i]),
            }
        )
    rows.sort(key=lambda row: (not row["chosen"], row["priced"]))
    for pair in range(len(table["label"])):
        code = int(table["shut"][k, pair])
        if code != OPEN:
            gate, opens = GATES[code]
            rows.append(
                {
                    **_pair(table, names, pair),
                    "open": False,
                    "chosen": False,
                    "gate": gate,
                    "opens": opens,
                }
            )
    # Crews that no cohort of the run may use stand in no pair; their gate is told all the same.
    used = set(table["label"].tolist()) | set(table["review"].tolist())
    for crew in range(table["touch"].shape[1]):
        code = int(table["touch"][k, crew])
        if crew not in used and code != OPEN:
            gate, opens = GATES[code]
            rows.append(
                {
                    "label_crew": names[crew],
                    "review_crew": "",
                    "mode": "",
                    "open": False,
                    "chosen": False,
                    "gate": gate,
                    "opens": opens,
                }
            )
    return rows


def waits_like(task: Task, score: TaskScore, run: Run, most: int = 5) -> list[Decision]:
    """Return the decisions of a run that leave tasks waiting which share what this task shows.

    A waiting task is no row of the run: its cohort is told by its project, type, bands, class of
    data, domain, residency and language; several differ in effort and due day only.
    """
    same = {
        "key__task_type": task.task_type.key,
        "key__domain": task.domain.key if task.domain else "",
        "key__complexity": score.complexity_band,
        "key__risk": score.risk_band,
        "key__data_class": task.data_class,
        "key__residency": task.residency,
        "key__language": task.language,
    }
    rows = Decision.objects.filter(run=run, project=task.project_id, waiting__gt=0, **same)
    return list(rows.order_by("-waiting", "number")[:most])


def price_rows(table: Mapping[str, Any], key: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the prices of the pools for a decision's type: in words, and for its mean size.

    `answer` is the money for one answer at the mean size, None where hours are paid.
    """
    return [
        {
            "pool": pool,
            "activity": activity,
            "words": words,
            "version": version,
            "answer": None if per_hour else per_item + per_unit * key["size"],
        }
        for pool, kind, activity, words, version, per_item, per_unit, per_hour in table["rates"]
        if kind == key["task_type"]
    ]


def _pair(table: Mapping[str, Any], names: Sequence[str], pair: int) -> dict[str, Any]:
    review = int(table["review"][pair])
    return {
        "label_crew": names[int(table["label"][pair])],
        "review_crew": names[review] if review >= 0 else "",
        "mode": MODES[int(table["mode"][pair])],
    }
