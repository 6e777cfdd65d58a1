"""Why work waits, in words: the gate that shuts it out, or what is short and what more is worth."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np

from routing.core.decide import Outcome
from routing.core.gates import (
    GATES,
    MEMBERS,
    MODE,
    NO_HOURS,
    NO_PRICE,
    OPEN,
    REVIEWER,
    TARGET,
    touch_gates,
)
from routing.core.settle import Placed
from routing.core.tables import Inputs, Ints

OWN_EFFORT = "own effort above the mean that was planned"
NO_PEOPLE = "no annotators in the pools of this run"
# Kinds of scarce rows: what is short of which name, and what one unit more is called.
SHORT = {
    "crew": ("hours of {}", "an hour more"),
    "declared": ("declared hours of {}", "an hour more"),
    "exposure": ("harmful content that the caps of {} allow", "an hour more"),
    "answers": ("answers a day that the caps of {} allow", "one more"),
    "share": ("share cap of {}", "a task more"),
    "budget": ("budget {}", "a unit more"),
}
PAIR_GATES = (NO_PRICE, MODE, TARGET, MEMBERS, REVIEWER)
BY_CREW = ("crew", "exposure", "answers")


def waiting_reasons(
    inputs: Inputs, outcome: Outcome, placed: Placed, names: Sequence[str]
) -> list[str]:
    """Return why the tasks of each cohort wait, empty where none does."""
    found = outcome.candidates
    reasons = [""] * len(inputs.cohorts)
    touch = touch_gates(inputs).shut
    for k in np.flatnonzero(placed.waiting > 0):
        open_slots = np.flatnonzero(np.isfinite(found.cost[k]))
        if len(open_slots):
            reasons[k] = _scarce(inputs, outcome, int(k), open_slots, names)
        elif not len(inputs.crews):
            reasons[k] = NO_PEOPLE
        else:
            # The gate furthest along is the one nearest to being opened.
            codes = found.shut[k] if found.shut.shape[1] else touch[k]
            shut = codes[codes != OPEN]
            code = int(shut.max()) if len(shut) else int(touch[k].max())
            reasons[k] = f"gate: {GATES[code][0]}"
    return reasons


def _scarce(inputs: Inputs, outcome: Outcome, k: int, slots: Ints, names: Sequence[str]) -> str:
    """Name the scarce rows that the cheapest open arrangement of a waiting cohort needs."""
    found, rows, plan = outcome.candidates, outcome.rows, outcome.plan
    a = int(slots[np.argmin(found.cost[k, slots])])
    due = int(inputs.cohorts.due[k])
    parts = []
    for r, amount in rows.amounts.items():
        kind, name = rows.kinds[r], rows.names[r]
        at = (amount.row == k) & (amount.col == a)
        if kind not in SHORT or not at.any():
            continue
        price = float(plan.prices[r, :due].max(initial=plan.share_prices[r]))
        # What does not hold one task has no price: no task could use an hour more of it.
        none = bool((rows.capacity[r, :due] < amount.data[at].sum()).all())
        if price <= 1e-9 and not none:
            continue
        words, more = SHORT[kind]
        short = words.format(names[int(name.split()[-1])] if kind in BY_CREW else name)
        worth = "what is left holds no task" if none else f"{more} is worth {price:.2f}"
        parts.append(f"{short} ({worth})")
    if parts:
        return "short: " + "; ".join(parts)
    if found.cost[k, a] > np.asarray(outcome.problem.wait_cost)[k]:
        return "waiting costs less than any open arrangement"
    return "short: hours left do not hold a whole task"


def gate_counts(inputs: Inputs, outcome: Outcome, placed: Placed) -> list[dict[str, Any]]:
    """Return of each gate the waiting tasks without any open way that it shuts somebody out of.

    `tasks` counts a task behind every gate that shuts a crew (or a pair of crews) out of it;
    `alone` those behind which nothing else stands for some crew: to open that gate is enough to
    go on to the next question, whether hours and price hold.
    """
    found = outcome.candidates
    stuck = np.flatnonzero((placed.waiting > 0) & ~np.isfinite(found.cost).any(axis=1))
    if not len(stuck):
        return []
    waiting = placed.waiting[stuck]
    touch = touch_gates(inputs).every[stuck]
    pairs = found.shut[stuck]
    # Of a pair the gates of its labelling crew stand in `touch` already.
    own = pairs[:, :, None] == np.array(PAIR_GATES) if pairs.size else None
    rows = []
    for code in range(1, len(GATES)):
        bit = np.uint32(1 << code)
        behind, alone = (touch & bit).any(axis=1), (touch == bit).any(axis=1)
        if code in PAIR_GATES and own is not None:
            here = own[:, :, PAIR_GATES.index(code)].any(axis=1)
            behind, alone = behind | here, alone | here
        if behind.any():
            gate, opens = GATES[code]
            rows.append(
                {
                    "gate": gate,
                    "opens": opens,
                    "tasks": int(waiting[behind].sum()),
                    "alone": int(waiting[alone].sum()),
                }
            )
    return sorted(rows, key=lambda row: (-row["alone"], -row["tasks"], row["gate"]))


def summary_of_waiting(
    placed: Placed,
    reasons: Sequence[str],
    left_out: Sequence[str],
    later: Callable[[], tuple[date, int] | None],
) -> list[dict[str, Any]]:
    """Return reasons with the tasks each one keeps waiting, most first, and what would open it.

    left_out : pools that would be in the run were it not for their own or their vendor's state
    later : tells the next day after the horizon on which people work, and how many days to plan
        to reach it; it is asked where hours are missing
    """
    more = f"; or bring back {', '.join(left_out)}" if left_out else ""
    opens = {f"gate: {text}": how for text, how in GATES}
    idle = f"gate: {GATES[NO_HOURS][0]}"
    if idle in reasons and (next_day := later()) is not None:
        day, days = next_day
        opens[idle] = f"plan {days} days or more: there are hours on {day:%Y-%m-%d}"
    tasks: Counter[str] = Counter()
    for k in np.flatnonzero(placed.waiting > 0):
        tasks[reasons[int(k)] or OWN_EFFORT] += int(placed.waiting[k])
    return [
        {
            "reason": reason,
            "tasks": n,
            "opens": opens.get(reason, "add hours, or plan more days") + more,
        }
        for reason, n in sorted(tasks.items(), key=lambda item: (-item[1], item[0]))
    ]
