"""Why work waits, in words: the gate that shuts it out, or what is short and what more is worth."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np

from common.words import listed, pattern, said
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

OWN_EFFORT = said("own effort above the mean that was planned")
NO_PEOPLE = said("no annotators in the pools of this run")
MORE_HOURS = said("add hours, or plan more days")
NO_TASK = said("what is left holds no task")
# Kinds of scarce rows: what is short of which name, and what one unit more is worth.
HOUR = pattern("an hour more is worth %(price).2f")
SHORT = {
    "crew": (pattern("hours of %(name)s"), HOUR),
    "declared": (pattern("declared hours of %(name)s"), HOUR),
    "exposure": (pattern("harmful content that the caps of %(name)s allow"), HOUR),
    "answers": (
        pattern("answers a day that the caps of %(name)s allow"),
        pattern("one more is worth %(price).2f"),
    ),
    "share": (
        pattern("share cap of %(name)s"),
        pattern("a task more is worth %(price).2f"),
    ),
    "budget": (
        pattern("budget %(name)s"),
        pattern("a unit more is worth %(price).2f"),
    ),
}
GATE = pattern("gate: %(gate)s")
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
            reasons[k] = said(GATE, gate=GATES[code][0])
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
        short = said(words, name=names[int(name.split()[-1])] if kind in BY_CREW else name)
        worth = NO_TASK if none else said(more, price=price)
        parts.append(said("%(short)s (%(worth)s)", short=short, worth=worth))
    if parts:
        return said("short: %(what)s", what=listed(parts, "%(first)s; %(then)s"))
    if found.cost[k, a] > np.asarray(outcome.problem.wait_cost)[k]:
        return said("waiting costs less than any open arrangement")
    return said("short: hours left do not hold a whole task")


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
    opens: dict[str, str] = {said(GATE, gate=text): how for text, how in GATES}
    idle = said(GATE, gate=GATES[NO_HOURS][0])
    if idle in reasons and (next_day := later()) is not None:
        day, days = next_day
        opens[idle] = said(
            "plan %(days)s days or more: there are hours on %(day)s",
            days=days,
            day=day.isoformat(),
        )
    tasks: Counter[str] = Counter()
    for k in np.flatnonzero(placed.waiting > 0):
        tasks[reasons[int(k)] or OWN_EFFORT] += int(placed.waiting[k])

    def how(reason: str) -> str:
        first = opens.get(reason, MORE_HOURS)
        if not left_out:
            return first
        return said("%(first)s; or bring back %(pools)s", first=first, pools=listed(left_out))

    return [
        {"reason": reason, "tasks": n, "opens": how(reason)}
        for reason, n in sorted(tasks.items(), key=lambda item: (-item[1], item[0]))
    ]
