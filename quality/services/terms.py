"""On what terms a task is settled: what its decision promised of the label.

Decisions, policies and the crews of runs never change, and public ids are random: what is read once
is kept by them.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import numpy as np

from routing.choices import Band
from routing.core.crews import PRIOR_RATE, PRIOR_RATE_LOWER
from routing.core.pricing import HIGH_RISK
from routing.core.review import CHOICES, caught
from routing.models import Decision, Policy, RunCrew, RunProject, TaskType
from routing.seams import QualityFacts
from routing.seams import quality as measured

# Where no decision says anything: a task that was assigned by hand.
USUAL_TARGET_ERROR = 0.05
LEAST_TARGET = 0.5  # a label that is likelier wrong than right is not sent to review as an answer
BANDS = tuple(Band.values)


@dataclass(frozen=True)
class Terms:
    """What a task's label is accepted by.

    decision : that sent the task there, None where a person did
    target : in (0, 1), posterior from which the answers are enough, before reviews
    careful : lower bounds of rates are read, since risk is high
    reviewed : whether its arrangement has some of its tasks reviewed
    """

    decision: Decision | None
    target: float
    careful: bool
    reviewed: bool

    def right(self, rate: float | None, lower: float | None, classes: int) -> float:
        """Return the chance with which an annotator's answer is right, as it is read here.

        A lower bound below chance says that little is known, and is read as chance.
        """
        usual = PRIOR_RATE if rate is None else rate
        if not self.careful:
            return usual
        low = PRIOR_RATE_LOWER if lower is None else lower
        return max(low, min(usual, 1.0 / classes))


def vote_error(target: float, share: float, choice: int, reviewer: float, spoil: float) -> float:
    """Return the error that answers may have so that reviews bring it down to the target.

    ε_m of ε = ε_m (1 − c(ρ)) + (1 − ε_m) ρ f, at least the target itself and at most ½.

    Examples
    --------
    >>> vote_error(0.05, 0.0, 0, 0.9, 0.02)
    0.05
    >>> round(vote_error(0.05, 0.5, 0, 0.9, 0.02), 4)
    0.0741
    """
    found = float(caught(share, np.array(reviewer), choice))
    left = 1.0 - found - share * spoil
    allowed = (target - share * spoil) / left if left > 0 else 1.0
    return float(min(max(allowed, target), 1.0 - LEAST_TARGET))


@lru_cache(maxsize=4096)
def terms_of(decision: UUID, arrangement: int) -> Terms:
    """Return the terms of a decision's arrangement."""
    row = Decision.objects.select_related("run").get(public_id=decision)
    key: dict[str, Any] = row.key
    policy = Policy.objects.filter(pk__in=_policies(row)).values_list("document", flat=True).first()
    target = _target(policy, key)
    entry = next((e for e in row.chosen if e["arrangement"] == arrangement), None)
    share = float(entry["review_share"]) if entry and entry["review"] is not None else 0.0
    if entry is not None and share > 0:
        choice = CHOICES.index(entry["review_choice"])
        reviewer = _reviewer(row, entry["review"], key)
        spoil = _spoil(key["task_type"], row.run.now)
        target = vote_error(target, share, choice, reviewer, spoil)
    careful = BANDS.index(key["risk"]) >= HIGH_RISK
    return Terms(row, 1.0 - target, careful, share > 0)


def open_for_correction(decision_id: int | None) -> float:
    """Return the share of a decision's tasks whose first answer can be corrected for a while.

    Where several answers are asked, nearly all; else those that are reviewed.
    """
    if decision_id is None:
        return 0.0
    chosen = Decision.objects.filter(pk=decision_id).values_list("chosen", flat=True).first()
    shares = [
        1.0 if entry["answers"] > 1 else float(entry["review_share"] or 0.0)
        for entry in chosen or ()
    ]
    return max(shares, default=0.0)


USUAL_TERMS = Terms(None, 1.0 - USUAL_TARGET_ERROR, True, False)


def _policies(decision: Decision) -> Any:
    return RunProject.objects.filter(run=decision.run_id, project=decision.project_id).values(
        "policy_id"
    )


def _target(policy: Any, key: dict[str, Any]) -> float:
    try:
        return float(policy["matrix"][key["complexity"]][key["risk"]]["target_error"])
    except (KeyError, TypeError):
        return USUAL_TARGET_ERROR


def _reviewer(decision: Decision, crew: int, key: dict[str, Any]) -> float:
    traits = (
        RunCrew.objects.filter(run=decision.run_id, number=crew)
        .values_list("traits", flat=True)
        .first()
    )
    skill = TaskType.objects.values_list("skill__key", flat=True).get(key=key["task_type"])
    rate = (traits or {}).get("rates", {}).get(skill)
    return PRIOR_RATE if rate is None else float(rate)


def _spoil(task_type: str, at: datetime) -> float:
    type_id = TaskType.objects.values_list("pk", flat=True).get(key=task_type)
    found = measured.get().facts(task_type_ids=[type_id], at=at)
    return found.get(type_id, QualityFacts()).spoil
