"""Proposing pauses: a sequential test per annotator and skill, on gold and random reviews only."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from quality.choices import PAUSE_UNDECIDED, PauseState
from quality.core.sprt import Sprt, characteristic, run_length
from quality.core.standing import Standing, on_grid, stand, worse
from quality.models import PauseProposal
from quality.services.evidence import Evidence, read_evidence
from workforce.choices import AnnotatorStatus
from workforce.models import Annotator, Proficiency

PROPOSE = "pauses.propose"
# Evidence that is older says little of today.
WINDOW = timedelta(days=365)
# Estimates with fewer gold answers behind them do not say what is usual in a skill.
LEAST_GOLD = 20


def usual_errors(now: datetime) -> dict[int, float]:
    """Return the usual share of errors of each skill that has estimates: the median annotator's."""
    latest: dict[tuple[int, int], float] = {}
    rows = Proficiency.objects.filter(as_of__lte=now, n_gold__gte=LEAST_GOLD).order_by("as_of")
    for annotator, skill, rate in rows.values_list("annotator_id", "skill_id", "rate"):
        latest[annotator, skill] = rate
    by_skill = defaultdict(list)
    for (_annotator, skill), rate in latest.items():
        by_skill[skill].append(1.0 - rate)
    return {skill: float(np.median(errors)) for skill, errors in by_skill.items()}


def pause_test(usual: float | None) -> Sprt:
    """Return the test of somebody whose skill has this usual share of errors (None = unknown)."""
    p0 = on_grid(max(usual or 0.0, settings.PAUSE_LEAST_ERROR))
    p1 = worse(p0, settings.PAUSE_WORSE)
    return Sprt(p0, p1, settings.PAUSE_FALSE_SHARE, settings.PAUSE_MISSED_SHARE)


@lru_cache(maxsize=64)
def promises(test: Sprt) -> tuple[float, float]:
    """Return the exact chance of a false pause, and the checked answers between two of them."""
    found = characteristic(test, test.p0)
    return float(found.pause[0]), float(run_length(test, test.p0)[0])


def propose_pauses(*, acting_user: User, now: datetime) -> list[PauseProposal]:
    """Propose a pause for everybody whose checked answers in a skill speak for one.

    Evidence counts from the last decision on. Who has an undecided proposal in the skill, or has
    left, gets none; twice as of one time changes nothing.
    """
    require(acting_user, PROPOSE)
    evidence = read_evidence(now, since=now - WINDOW).in_order()
    usual, decided = usual_errors(now), _decided(now)
    undecided = set(
        PauseProposal.objects.filter(state__in=PAUSE_UNDECIDED).values_list(
            "annotator_id", "skill_id"
        )
    )
    gone = set(Annotator.objects.filter(status=AnnotatorStatus.LEFT).values_list("pk", flat=True))
    made: list[PauseProposal] = []
    for annotator, skill, mine in evidence.by_annotator_and_skill():
        if (annotator, skill) in undecided or annotator in gone:
            continue
        mine = mine.take(mine.known > decided.get((annotator, skill), -np.inf))
        test = pause_test(usual.get(skill))
        found = stand(test, mine.wrong)
        if found.pause:
            made += _propose(annotator, skill, test, found, mine, acting_user=acting_user, now=now)
    return made


def _decided(now: datetime) -> Mapping[tuple[int, int], float]:
    """Return since when evidence counts, seconds since 1970, where somebody has decided before."""
    rows = PauseProposal.objects.exclude(state__in=PAUSE_UNDECIDED).values("annotator", "skill")
    found = rows.annotate(at=Max("decided_at"), settled=Max("settled_at"))
    return {
        (row["annotator"], row["skill"]): max(
            at.timestamp() for at in (row["at"], row["settled"]) if at is not None
        )
        for row in found
    }


def _propose(
    annotator: int,
    skill: int,
    test: Sprt,
    found: Standing,
    evidence: Evidence,
    *,
    acting_user: User,
    now: datetime,
) -> Sequence[PauseProposal]:
    false_share, length = promises(test)
    good = evidence.submitted[found.good] if found.good >= 0 else None
    try:
        with transaction.atomic():
            proposal = PauseProposal.objects.create(
                annotator_id=annotator,
                skill_id=skill,
                state=PauseState.PROPOSED,
                p0=test.p0,
                p1=test.p1,
                alpha=test.alpha,
                beta=test.beta,
                false_share=false_share,
                run_length=length,
                answers=found.answers,
                errors=found.errors,
                ratio=found.ratio,
                evidence_from=_time(evidence.known[found.first]),
                evidence_to=_time(evidence.known[found.last]),
                good_at=None if good is None else _time(good),
                proposed_at=now,
            )
            record_event(
                "pause.proposed",
                acting_user=acting_user,
                now=now,
                subject="pause",
                subject_id=proposal.public_id,
                annotator=str(proposal.annotator.public_id),
                skill=proposal.skill.key,
                answers=found.answers,
                errors=found.errors,
                false_share=round(false_share, 6),
            )
    except IntegrityError:
        if PauseProposal.objects.filter(
            annotator=annotator, skill=skill, state__in=PAUSE_UNDECIDED
        ).exists():
            return []  # somebody else proposed it meanwhile
        raise
    return [proposal]


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
