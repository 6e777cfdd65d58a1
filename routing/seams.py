"""What routing asks of upper apps: protocols, a registry, and a plain default for each.

Upper apps register theirs in `AppConfig.ready()`. Every run records name and version of each
implementation that answered, so that a later change of an app is seen in a replay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar


@dataclass(frozen=True)
class Price:
    """What one answer costs: per_item + per_unit × size + per_hour × hours of work.

    Amounts are float64 major units of `currency` (routing chooses, it never books); `words` say how
    they come about, for a decision's page.
    """

    per_item: float
    per_unit: float
    per_hour: float
    currency: str
    version: str
    rework_billable: bool = False
    words: str = ""


class Versioned(Protocol):
    """What every implementation says of itself."""

    name: str
    version: str


class PriceSource(Protocol):
    """Prices of activities by pool and task type."""

    name: str
    version: str

    def prices(
        self, *, pool_ids: Sequence[int], task_type_ids: Sequence[int], at: datetime
    ) -> Mapping[tuple[int, str, int], Price]:
        """Return the price of each (pool, activity, task type) that has one at that time.

        Activities are ``label``, ``review``, ``adjudication`` and ``qualification``. A missing
        entry means no price: in-house pools then cost their members' hours, others are shut out
        by the gate "no price".
        """
        ...


@dataclass(frozen=True)
class QualityFacts:
    """What is measured of answers, by task type.

    dispersion : beta-binomial dispersion of errors on one item, 0 = independent, below 1
    same_error : chance that two wrong answers to an item are the same, (0, 1]; None = as errors
        would spread evenly over the other classes
    difficulty : δ(type, complexity band), shape (4,), subtracted from the logit of a rate
    spoil : a reviewer's rate of spoiling a right answer, 0..1
    version : how and as of when they were measured, for the run's record
    """

    dispersion: float = 0.1
    difficulty: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    same_error: float | None = None
    spoil: float = 0.02
    version: str = "defaults"


class QualitySource(Protocol):
    """Measured facts about votes and reviews."""

    name: str
    version: str

    def facts(self, *, task_type_ids: Sequence[int], at: datetime) -> Mapping[int, QualityFacts]:
        """Return the facts of each task type; a missing one means the defaults."""
        ...


@dataclass(frozen=True)
class ExtraGate:
    """A gate of an upper app that shuts whole vendors out, with the reason that is shown."""

    vendor_id: int
    reason: str
    project_id: int | None = None


class GateSource(Protocol):
    """Vendors that lose work by a rule of an upper app (a confirmed breach, say)."""

    name: str
    version: str

    def gates(
        self, *, project_ids: Sequence[int], vendor_ids: Sequence[int], at: datetime
    ) -> Sequence[ExtraGate]:
        """Return the gates that are shut now."""
        ...


@dataclass(frozen=True)
class ExtraRow:
    """A plan row of an upper app, such as a budget: spend of projects ≤ amount in the horizon."""

    name: str
    project_ids: tuple[int, ...]
    amount: float


class RowSource(Protocol):
    """Extra plan rows (budgets)."""

    name: str
    version: str

    def rows(self, *, project_ids: Sequence[int], at: datetime) -> Sequence[ExtraRow]:
        """Return the rows in force."""
        ...


@dataclass(frozen=True)
class Mixed:
    """A task that a claim hands out beside ordinary work, looking like it.

    It takes no seat and gets the decision, effort and lease of the ordinary work beside it.
    """

    task_id: int
    purpose: str


class MixSource(Protocol):
    """What a claim mixes in: gold, and qualification sets before real work.

    routine : name of a function in the database that picks as `pick` does, for claims that are one
        round trip, "" = there is none: (humans bigint[], project bigint, task_type bigint, at
        timestamptz, besides bigint[], begin float8) returns the id of a task or null; begin is luck
        in [0, 1)
    purpose : of what the routine picks
    """

    name: str
    version: str
    routine: str
    purpose: str

    def wanted(self, *, annotator_id: int, facts: int, at: datetime) -> float:
        """Return with which chance the next task is to be one that is mixed in, 0 to 1.

        Asked at every claim: the answer is to be kept by (annotator, facts version).
        """
        ...

    def chances(
        self, *, annotator_id: int, facts: int, at: datetime
    ) -> tuple[Mapping[int, float], float]:
        """Return the chance for tasks of each skill, by its id, and that of all other skills."""
        ...

    def pick(
        self,
        *,
        annotator_id: int,
        luck: float,
        humans: Sequence[int],
        project_id: int,
        task_type_id: int,
        besides: Sequence[int],
        at: datetime,
    ) -> Mixed | None:
        """Return a task of this project and type that none of these humans ever had, if any.

        `luck` is a number from 0 to the chance that was wanted: nothing is mixed in where it is not
        below the chance of the skill. `besides` are tasks of the same claim. Asked inside the
        claim's transaction, when ordinary work of that project and type is at hand: gold never
        comes where no work would.
        """
        ...


class NoPrices:
    """The default: no prices but the members' own hours."""

    name = "routing.default-prices"
    version = "1"

    def prices(
        self, *, pool_ids: Sequence[int], task_type_ids: Sequence[int], at: datetime
    ) -> Mapping[tuple[int, str, int], Price]:
        """Return nothing."""
        return {}


class DefaultQuality:
    """The default: the constants of `QualityFacts` for every type."""

    name = "routing.default-quality"
    version = "1"

    def facts(self, *, task_type_ids: Sequence[int], at: datetime) -> Mapping[int, QualityFacts]:
        """Return the defaults."""
        return {task_type_id: QualityFacts() for task_type_id in task_type_ids}


class NoGates:
    """The default: no extra gates."""

    name = "routing.default-gates"
    version = "1"

    def gates(
        self, *, project_ids: Sequence[int], vendor_ids: Sequence[int], at: datetime
    ) -> Sequence[ExtraGate]:
        """Return nothing."""
        return ()


class NoRows:
    """The default: no extra plan rows."""

    name = "routing.default-rows"
    version = "1"

    def rows(self, *, project_ids: Sequence[int], at: datetime) -> Sequence[ExtraRow]:
        """Return nothing."""
        return ()


class NoMix:
    """The default: ordinary work only."""

    name = "routing.default-mix"
    version = "1"
    routine = purpose = ""

    def wanted(self, *, annotator_id: int, facts: int, at: datetime) -> float:
        """Return 0."""
        return 0.0

    def chances(
        self, *, annotator_id: int, facts: int, at: datetime
    ) -> tuple[Mapping[int, float], float]:
        """Return none."""
        return {}, 0.0

    def pick(
        self,
        *,
        annotator_id: int,
        luck: float,
        humans: Sequence[int],
        project_id: int,
        task_type_id: int,
        besides: Sequence[int],
        at: datetime,
    ) -> Mixed | None:
        """Return nothing."""
        return None


T = TypeVar("T")


class Seam(Generic[T]):
    """A place for one implementation; registering a second one replaces the first."""

    def __init__(self, default: T) -> None:
        self.default = default
        self._registered: T | None = None

    def register(self, implementation: T) -> None:
        """Put an implementation in place of the default."""
        self._registered = implementation

    def get(self) -> T:
        """Return the implementation in force."""
        return self._registered if self._registered is not None else self.default


prices: Seam[PriceSource] = Seam(NoPrices())
quality: Seam[QualitySource] = Seam(DefaultQuality())
gates: Seam[GateSource] = Seam(NoGates())
rows: Seam[RowSource] = Seam(NoRows())
mix: Seam[MixSource] = Seam(NoMix())


def versions() -> dict[str, str]:
    """Return name and version of every implementation in force, for the run's record."""
    parts: dict[str, Versioned] = {
        "prices": prices.get(),
        "quality": quality.get(),
        "gates": gates.get(),
        "rows": rows.get(),
    }
    return {seam: f"{part.name} {part.version}" for seam, part in parts.items()}
