"""Planning instances like those of an operation, seeded.

`easy`: hours suffice nearly everywhere. `tight`: in-house and vendor hours, a share cap and a
model's rate limit bind, some work must wait, commitments are short. `grid`: the arrangements are
all (labelling crew, reviewing crew, answers, review share) of a policy grid, a thousand and more.
"""

import numpy as np

from routing.core.plan import PlanProblem

COHORTS = 2_000


def instance(kind: str, tasks: int, days: int, seed: int, cohorts: int = COHORTS) -> PlanProblem:
    """Return an instance of a kind with so many tasks in so many cohorts over so many days."""
    rng = np.random.default_rng([seed, tasks, days, len(kind)])
    if kind == "grid":
        return _grid(tasks, days, rng, cohorts)
    if kind not in ("easy", "tight"):
        raise ValueError(f"unknown kind {kind!r}")
    return _operation(tasks, days, rng, cohorts, tight=kind == "tight")


def _cohorts(tasks: int, K: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    weights = rng.lognormal(0, 1.0, K)
    count = rng.multinomial(tasks, weights / weights.sum())
    return {
        "count": count,
        "effort": rng.lognormal(np.log(0.03), 0.7, K),  # hours a task
        "error_cost": rng.lognormal(np.log(1.0), 1.0, K),
        "hard": rng.beta(2, 5, K),
        "risk": rng.random(K),
    }


def _operation(
    tasks: int, days: int, rng: np.random.Generator, cohorts: int, *, tight: bool
) -> PlanProblem:
    c = _cohorts(tasks, cohorts, rng)
    K = len(c["count"])
    # Crews: 4 in-house, 3 of each of three vendors, one model; some arrangements add a review.
    wage = np.r_[rng.uniform(34, 48, 4), rng.uniform(8, 20, 9), 0.0]
    rate = np.r_[rng.uniform(0.93, 0.98, 4), rng.uniform(0.84, 0.95, 9), 0.82]
    vendor = np.r_[np.full(4, -1), np.repeat([0, 1, 2], 3), 3]
    crews = len(wage)
    label = np.r_[np.arange(crews), np.arange(4, crews)]
    review = np.r_[np.full(crews, -1), rng.integers(0, 4, crews - 4)]
    A = len(label)
    speed = rng.lognormal(0, 0.15, crews)
    hours_label = c["effort"][:, None] * speed[label][None, :]
    hours_label[:, label == crews - 1] = 0.0005
    hours_review = np.where(review[None, :] >= 0, 0.35 * c["effort"][:, None], 0.0)
    error = (1 - rate[label])[None, :] * (0.4 + 2 * c["hard"][:, None])
    error = np.where(review[None, :] >= 0, error * 0.25, error)
    cost = (
        hours_label * wage[label][None, :]
        + hours_review * np.where(review >= 0, wage[np.maximum(review, 0)], 0.0)[None, :]
        + error * c["error_cost"][:, None]
        + np.where(label == crews - 1, 0.01, 0.0)[None, :]
    )
    # Gates: risky work stays in-house; each crew lacks the skills of some cohorts.
    allowed = rng.random((K, A)) < 0.75
    risky = c["risk"] > 0.9
    allowed[np.ix_(risky, label >= 4)] = False
    allowed[:, label == crews - 1] &= (c["risk"] < 0.5)[:, None]
    cost = np.where(allowed, cost, np.inf)
    need = float(c["count"] @ c["effort"])

    R = crews + 3  # crews and the three vendors' contracts
    amount = {}
    for r in range(crews):
        amount[r] = np.where(label[None, :] == r, hours_label, 0.0) + np.where(
            review[None, :] == r, hours_review, 0.0
        )
    for v in range(3):
        amount[crews + v] = np.where(vendor[label][None, :] == v, hours_label, 0.0)
    share = np.r_[np.full(4, 0.10), rng.uniform(0.05, 0.12, 9)] * (0.75 if tight else 3.0)
    capacity = np.full((R, days), np.inf)
    capacity[:13] = (share * need / days)[:, None] * rng.uniform(0.85, 1.15, (13, days))
    # The model: hours of its rate limit.
    capacity[13] = 0.0005 * tasks / days * (0.10 if tight else 0.6)
    due = rng.integers(1, days + 1, K) if days > 1 else np.ones(K, int)
    commitment, shortfall = np.zeros(R), np.zeros(R)
    if tight or days > 1:
        commitment[crews] = 0.16 * need
        commitment[crews + 2] = 0.9 * float(capacity[10:13].sum())
        shortfall[[crews, crews + 2]] = 9.0
    outside = np.zeros(R, bool)
    outside[crews:] = True
    cap = np.ones(R)
    cap[crews + 1] = 0.30 if tight else 0.45
    return PlanProblem(
        count=c["count"],
        cost=cost,
        hours=hours_label,
        use=np.zeros((R, A)),
        amount=amount,
        capacity=capacity,
        due=due,
        delay_cost=rng.uniform(0.0, 0.02, K),
        wait_cost=rng.uniform(4.0, 9.0, K) + 60 * c["effort"] + 0.5 * c["error_cost"],
        commitment=commitment,
        shortfall_price=shortfall,
        outside=outside,
        share_cap=cap,
    )


def _grid(tasks: int, days: int, rng: np.random.Generator, cohorts: int) -> PlanProblem:
    c = _cohorts(tasks, cohorts, rng)
    keep = min(len(c["count"]), 600)
    c = {name: values[:keep].copy() for name, values in c.items()}
    c["count"] = rng.multinomial(tasks, np.full(keep, 1 / keep))
    K = keep
    crews = 9
    wage = np.r_[rng.uniform(34, 48, 3), rng.uniform(8, 20, 6)]
    rate = np.r_[rng.uniform(0.93, 0.98, 3), rng.uniform(0.84, 0.95, 6)]
    vendor = np.r_[-1, -1, -1, 0, 0, 1, 1, 2, 2]
    options = [
        (i, j, m, rho)
        for i in range(crews)
        for j in range(crews)
        if vendor[j] == -1 or vendor[j] == vendor[i]
        for m in (1, 2, 3, 5)
        for rho in (0.0, 0.1, 0.25, 0.5, 1.0)
        if rho > 0 or j == i
    ]
    label, review, answers, rho = (np.array(v) for v in zip(*options, strict=True))
    A = len(label)
    odd = 2 * ((answers + 1) // 2) - 1
    base = np.clip((1 - rate[label])[None, :] * (0.4 + 2 * c["hard"][:, None]), 1e-4, 0.49)
    vote = np.where(odd == 1, base, np.where(odd == 3, 3 * base**2, 10 * base**3))
    error = 0.7 * vote * (1 - rho * rate[review]) + 0.3 * base * (1 - rho * rate[review])
    hours_label = c["effort"][:, None] * answers[None, :]
    hours_review = 0.35 * c["effort"][:, None] * rho[None, :]
    cost = (
        hours_label * wage[label] + hours_review * wage[review] + error * c["error_cost"][:, None]
    )
    target = rng.choice([0.02, 0.05, 0.1, 0.2], K)
    cost = np.where(error <= target[:, None], cost, np.inf)
    need = float(c["count"] @ c["effort"])
    amount = {
        r: np.where(label == r, hours_label, 0.0) + np.where(review == r, hours_review, 0.0)
        for r in range(crews)
    }
    capacity = (np.r_[np.full(3, 0.25), np.full(6, 0.3)] * need / days)[:, None] * np.ones(days)
    return PlanProblem(
        count=c["count"],
        cost=cost,
        hours=hours_label,
        use=np.zeros((crews, A)),
        amount=amount,
        capacity=capacity,
        due=rng.integers(1, days + 1, K) if days > 1 else np.ones(K, int),
        delay_cost=np.zeros(K),
        wait_cost=3.0 + 80 * c["effort"] + 0.5 * c["error_cost"],
        commitment=np.zeros(crews),
        shortfall_price=np.zeros(crews),
        outside=np.zeros(crews, bool),
    )
