"""What an annotator may have now: every gate asked again, for each decision of the runs in force.

Worked out with the gates of the plan, the annotator as a crew of one, and kept in the process under
the version of the facts that it stands on, until the next instant at which a fact lapses by itself.
A later claim sees a change at once: it reads the version first.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from django.db import connection

from routing.core.gates import NOT_IN_POLICY, OPEN
from routing.services.basis import Basis, Kind, bases_of, basis_of
from routing.services.rules_now import ProjectRules, RulesNow, rules_now
from routing.services.standing import Standing, gates_of, read_standing, worse_than
from workforce.choices import AnnotatorKind, AnnotatorStatus
from workforce.models import Annotator

KEPT = 2_000  # annotators in a process


@dataclass(frozen=True)
class Group:
    """Placements that are served together: of one run, the annotator's pool and a crew.

    first_day : plan day 0 of the run, as an ordinal: what was planned earlier shares its urgency
    """

    run_id: int
    crew: int
    first_day: int


@dataclass(frozen=True)
class Eligibility:
    """What an annotator may have, and what limits read.

    humans : how assignments call this human being, this account's word first; accounts : the ids
        of the human's annotators
    daily_cap, exposure_seconds : the least of the human's accounts, None = no cap
    rate_limit : answers an hour, of a model
    may_work : whether the annotator is active, and so are pool and vendor
    held : ids of the projects whose runs are among the groups, ascending
    own, others : groups to be served. Of the decisions placed on them `shut` are those that a gate
        shuts, with its code; `above` those that stand on a better rate than the annotator's
    kinds : of the decisions of these runs, by id, in several tables
    speeds : the annotator's by task type id; a missing one is 1
    harmful_efforts : seconds of a task of each decision about harmful content
    """

    version: int
    until: datetime
    annotator_id: int
    pool_id: int
    humans: tuple[int, ...]
    accounts: tuple[int, ...]
    daily_cap: int | None
    exposure_seconds: float | None
    rate_limit: int | None
    may_work: bool = False
    projects: Mapping[int, ProjectRules] = field(default_factory=dict)
    held: tuple[int, ...] = ()
    own: tuple[Group, ...] = ()
    others: tuple[Group, ...] = ()
    shut: Mapping[int, int] = field(default_factory=dict)
    above: frozenset[int] = frozenset()
    kinds: tuple[Mapping[int, Kind], ...] = ()
    speeds: Mapping[int, float] = field(default_factory=dict)
    harmful_efforts: Mapping[int, float] = field(default_factory=dict)

    @property
    def human(self) -> int:
        """How a new assignment calls the human being."""
        return self.humans[0]

    def kind(self, decision_id: int) -> Kind | None:
        """Return what is known of a decision, None if it is of no run that serves this pool."""
        return next((table[decision_id] for table in self.kinds if decision_id in table), None)

    def effort_seconds(self, decision_id: int) -> float:
        """Return the annotator's expected seconds for a task of a decision."""
        kind = self.kind(decision_id)
        if kind is None:
            return 0.0
        if self.rate_limit:
            return 3600.0 / self.rate_limit
        return kind.hours * 3600.0 * self.speeds.get(kind.task_type_id, 1.0)


_kept: OrderedDict[int, Eligibility] = OrderedDict()


def facts_version() -> int:
    """Return the version of the facts that gates read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(version), 0) FROM routing_factsversion")
        return int(cursor.fetchone()[0])


def kept(annotator_id: int) -> Eligibility | None:
    """Return what this process knows of an annotator, whether it still stands or not."""
    return _kept.get(annotator_id)


def eligibility(annotator_id: int, *, version: int, now: datetime) -> Eligibility:
    """Return what an annotator may have under a version of the facts."""
    known = _kept.get(annotator_id)
    if known is not None and known.version == version and now < known.until:
        return known
    found = _work_out(annotator_id, version, now)
    _kept[annotator_id] = found
    _kept.move_to_end(annotator_id)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


def _work_out(annotator_id: int, version: int, now: datetime) -> Eligibility:
    annotator = Annotator.objects.select_related("pool__vendor").get(pk=annotator_id)
    accounts = [annotator]
    if annotator.person_id is not None:
        accounts = list(Annotator.objects.filter(person_id=annotator.person_id).order_by("pk"))
    rules = rules_now(version, now)
    return worked_out(read_standing(annotator, rules, now), accounts, rules, now)


def worked_out(
    standing: Standing,
    accounts: Sequence[Annotator],
    rules: RulesNow,
    now: datetime,
    *,
    bases: dict[int, tuple[Basis, int]] | None = None,
) -> Eligibility:
    """Return what an annotator may have, from facts that were read.

    Parameters
    ----------
    accounts : the annotators of the same human being, this one among them
    bases : what is known of decisions of earlier runs, by id; more is added
    """
    base = _person(standing.annotator, accounts, rules.version, rules.until, now)
    if not standing.may_work:
        return base
    groups, shut, above, kinds = _Groups(standing, rules, base, bases).found()
    own = {(run_id, crew) for run_id, crew, mine in groups if mine}
    first_day = {row.run_id: row.run_first_day.toordinal() for row in rules.projects.values()}
    found = replace(
        base,
        may_work=True,
        projects=rules.projects,
        held=tuple(
            sorted(pk for pk, row in rules.projects.items() if row.run_id in {g[0] for g in groups})
        ),
        own=tuple(Group(r, c, first_day[r]) for r, c in sorted(own)),
        others=tuple(Group(r, c, first_day[r]) for r, c, mine in sorted(groups) if not mine),
        shut=shut,
        above=frozenset(above),
        kinds=tuple(kinds),
        speeds=_speeds(standing, rules),
    )
    harmful = [pk for table in kinds for pk, kind in table.items() if kind.harmful]
    return replace(found, harmful_efforts={pk: found.effort_seconds(pk) for pk in harmful})


def _person(
    annotator: Annotator,
    accounts: Sequence[Annotator],
    version: int,
    until: datetime,
    now: datetime,
) -> Eligibility:
    # Joined later than some of the work was done: it stands under the single accounts.
    humans = [annotator.person_id or -annotator.pk, *(-row.pk for row in accounts)]
    caps = [row.daily_cap for row in accounts if row.daily_cap is not None]
    person = annotator.kind == AnnotatorKind.PERSON
    if annotator.status == AnnotatorStatus.PAUSED and annotator.paused_until is not None:
        until = min(until, annotator.paused_until) if annotator.paused_until > now else until
    return Eligibility(
        version=version,
        until=until,
        annotator_id=annotator.pk,
        pool_id=annotator.pool_id,
        humans=tuple(dict.fromkeys(humans)),
        accounts=tuple(row.pk for row in accounts),
        daily_cap=min(caps, default=None),
        exposure_seconds=(
            min(row.exposure_cap_minutes for row in accounts) * 60.0 if person else None
        ),
        rate_limit=annotator.rate_limit_per_hour,
    )


def _speeds(standing: Standing, rules: RulesNow) -> dict[int, float]:
    place = {skill: number for number, skill in enumerate(standing.skills)}
    speed = standing.table.speed[0]
    return {
        type_id: float(speed[place[skill]])
        for type_id, skill in rules.skill_of.items()
        if np.isfinite(speed[place[skill]])
    }


class _Groups:
    """The groups of one annotator, with what is shut in them, gathered run by run."""

    def __init__(
        self,
        standing: Standing,
        rules: RulesNow,
        base: Eligibility,
        bases: dict[int, tuple[Basis, int]] | None,
    ) -> None:
        self.standing, self.rules, self.base = standing, rules, base
        self.bases = {} if bases is None else bases
        self.groups: set[tuple[int, int, bool]] = set()
        self.shut: dict[int, int] = {}
        self.above: set[int] = set()
        self.kinds: list[Mapping[int, Kind]] = []
        self._gates: dict[int, np.ndarray[tuple[int], np.dtype[np.uint8]]] = {}

    def found(
        self,
    ) -> tuple[set[tuple[int, int, bool]], dict[int, int], set[int], list[Mapping[int, Kind]]]:
        """Return (run, crew, own?), shut decisions with their gate, those above, and kinds."""
        runs = {row.run_id: row for row in self.rules.projects.values()}
        for run_id, row in sorted(runs.items()):
            basis = basis_of(run_id, row.run_public_id)
            if basis is None:
                continue
            mine = basis.crew_of.get(self.base.annotator_id)
            self._placed(basis, mine)
            self._carried(row, mine)
        return self.groups, self.shut, self.above, self.kinds

    def _gates_of(self, basis: Basis) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        if basis.run_id not in self._gates:
            self._gates[basis.run_id] = gates_of(self.standing, basis, self.rules)
            self.kinds.append(basis.kinds)
        return self._gates[basis.run_id]

    def _placed(self, basis: Basis, mine: int | None) -> None:
        """Go through what the run itself placed on crews of the pool."""
        cohort, crew = basis.placed.T
        here = basis.pool_of(crew) == self.base.pool_id
        code = self._gates_of(basis)[cohort]
        # Projects that another run serves by now; their rows here are not in force.
        served = {row.id for row in self.rules.projects.values() if row.run_id == basis.run_id}
        in_force = np.isin(basis.inputs.projects.id, sorted(served))
        here &= in_force[basis.inputs.cohorts.project[cohort]]
        worse = worse_than(self.standing, basis, self.rules)
        for number in np.unique(crew[here]).tolist():
            rows = here & (crew == number)
            own = number == mine
            usable = (code == OPEN) if own else (code == OPEN) & ~worse
            if (rows & usable).any():
                self.groups.add((basis.run_id, number, own))
        decision = basis.decision[cohort]
        bad = here & (code != OPEN)
        self.shut |= dict(zip(decision[bad].tolist(), code[bad].tolist(), strict=True))
        self.above |= set(
            decision[here & worse & (crew != (-1 if mine is None else mine))].tolist()
        )

    def _carried(self, row: ProjectRules, mine: int | None) -> None:
        """Go through what an earlier run placed and this one took over."""
        rows = [
            (crew, decision) for pool, crew, decision in row.carried if pool == self.base.pool_id
        ]
        unread = {decision for _crew, decision in rows} - self.bases.keys()
        if unread:
            self.bases |= bases_of(unread)
        known = self.bases
        for crew, decision in rows:
            if decision not in known:
                self.shut[decision] = NOT_IN_POLICY
                continue
            basis, number = known[decision]
            code = int(self._code_of_carried(basis, number))
            if code != OPEN:
                self.shut[decision] = code
                continue
            self.groups.add((row.run_id, crew, crew == mine))
            pairs = (basis.placed[:, 0] == number) & worse_than(self.standing, basis, self.rules)
            if crew != mine and pairs.any():
                self.above.add(decision)

    def _code_of_carried(self, basis: Basis, number: int) -> int:
        """Return the gate that shuts a cohort of an earlier run."""
        return int(self._gates_of(basis)[number])
