"""Who may touch tasks otherwise than by labelling them: reviewers, under the same gates, now."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from routing import seams
from routing.core.gates import OPEN
from routing.models import TaskType
from routing.services.basis import bases_of
from routing.services.eligibility import facts_version
from routing.services.rules_now import rules_now
from routing.services.standing import Codes, Standing, gates_of, read_standing
from workforce.choices import PoolKind
from workforce.models import Annotator


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
    rules = rules_now(facts_version(), now)
    person = Annotator.objects.select_related("pool__vendor").get(pk=annotator.pk)
    standing = _priced(read_standing(person, rules, now), activity, now)
    if not standing.may_work:
        return wanted
    known = bases_of(wanted)
    gates: dict[int, Codes] = {}
    for basis, _number in known.values():
        if basis.run_id not in gates:
            gates[basis.run_id] = gates_of(standing, basis, rules)
    return {
        pk for pk in wanted if pk not in known or gates[known[pk][0].run_id][known[pk][1]] != OPEN
    }


def _priced(standing: Standing, activity: str, now: datetime) -> Standing:
    pool = standing.annotator.pool
    if pool.kind == PoolKind.IN_HOUSE or standing.priced is None:
        return standing
    source = seams.prices.get()
    types = list(TaskType.objects.order_by("pk").values_list("pk", flat=True))
    prices = source.prices(pool_ids=[pool.pk], task_type_ids=types, at=now)
    priced = frozenset(y for p, what, y in prices if what == activity and p == pool.pk)
    return replace(standing, priced=priced)
