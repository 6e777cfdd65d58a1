"""Who may touch tasks otherwise than by labelling them: reviewers, under the same gates, now."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from routing import seams
from routing.core.gates import OPEN
from routing.models import TaskType
from routing.services.basis import bases_of
from routing.services.eligibility import facts_version
from routing.services.rules_now import RulesNow, rules_now
from routing.services.standing import Codes, Standing, gates_of, read_standing
from workforce.choices import PoolKind
from workforce.models import Annotator

KEPT = 2_000  # annotators in a process


def shut_decisions(
    annotator: Annotator, decision_ids: Iterable[int], *, activity: str = "review", now: datetime
) -> set[int]:
    """Return of which decisions an annotator may not touch the tasks now, whichever gate it is.

    Every gate of the plan is asked again with the annotator as a crew of one, as at a claim. A
    decision whose run left no record is shut.

    Parameters
    ----------
    activity : whose price a pool that is not in-house needs
    """
    wanted = set(decision_ids)
    if not wanted:
        return set()
    touch = _touch(annotator, activity, facts_version(), now)
    if not touch.standing.may_work:
        return wanted
    known = bases_of(wanted)
    for basis, _number in known.values():
        if basis.run_id not in touch.gates:
            touch.gates[basis.run_id] = gates_of(touch.standing, basis, touch.rules)
    gates = touch.gates
    return {
        pk for pk in wanted if pk not in known or gates[known[pk][0].run_id][known[pk][1]] != OPEN
    }


@dataclass(frozen=True)
class _Touch:
    """What an annotator may touch under a version of the facts, until one lapses by itself.

    gates : code by cohort, by run id, filled as runs are asked for
    """

    version: int
    since: datetime
    until: datetime
    rules: RulesNow
    standing: Standing
    gates: dict[int, Codes] = field(default_factory=dict)


# By public id: a row of the same number in another database is another person.
_kept: OrderedDict[tuple[UUID, str], _Touch] = OrderedDict()


def _touch(annotator: Annotator, activity: str, version: int, now: datetime) -> _Touch:
    """Return what stands under this version, worked out where it is not known yet."""
    key = annotator.public_id, activity
    held = _kept.get(key)
    if held is not None and held.version == version and held.since <= now < held.until:
        return held
    rules = rules_now(version, now)
    person = Annotator.objects.select_related("pool__vendor").get(pk=annotator.pk)
    standing = _priced(read_standing(person, rules, now), activity, now)
    until = rules.until
    if person.paused_until is not None and person.paused_until > now:
        until = min(until, person.paused_until)
    _kept[key] = _Touch(version, now, until, rules, standing)
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return _kept[key]


def _priced(standing: Standing, activity: str, now: datetime) -> Standing:
    pool = standing.annotator.pool
    if pool.kind == PoolKind.IN_HOUSE or standing.priced is None:
        return standing
    source = seams.prices.get()
    types = list(TaskType.objects.order_by("pk").values_list("pk", flat=True))
    prices = source.prices(pool_ids=[pool.pk], task_type_ids=types, at=now)
    priced = frozenset(y for p, what, y in prices if what == activity and p == pool.pk)
    return replace(standing, priced=priced)
