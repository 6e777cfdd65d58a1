"""What a run is about: its projects, their policies, and the pools it may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.utils.translation import gettext as _

from common.errors import Invalid
from common.languages import translated
from common.time import local_date
from common.words import said
from routing.choices import PolicyState
from routing.core.policy_check import validate
from routing.errors import CurrencyMixed
from routing.models import Policy, Project
from workforce.choices import PoolKind
from workforce.selectors import PoolRow, idle_pools, pool_rows


@dataclass(frozen=True)
class Scope:
    """What a run is about: projects with the policy of each, and the pools it may use.

    left_out : pools that policies name but that may not be used now, with the reason in words
    """

    projects: list[Project]
    policies: list[Policy]
    pools: list[PoolRow]
    now: datetime
    days: int
    currency: str
    left_out: tuple[str, ...] = ()

    @property
    def first_day(self) -> date:
        """Plan day 0, in the operation's zone."""
        return local_date(self.now, settings.OPERATION_TIME_ZONE)


def check_policies(policies: Sequence[Policy], *, dry_run: bool) -> None:
    """Let a run decide by these policies.

    Raises
    ------
    Invalid
        If one is not in force and the run would be written, or its document has problems.
    """
    for policy in policies:
        if not dry_run and policy.state != PolicyState.PUBLISHED:
            raise Invalid(
                _(
                    "%(policy)s is %(state)s: only a published policy is routed by. Add --dry-run "
                    "to see what this one would do."
                )
                % {"policy": policy, "state": policy.get_state_display()},
                field="policy",
                rule="published",
            )
        problems = [f"{p.path}: {translated(p.message)}" for p in validate(policy.document)]
        if problems:
            raise Invalid(
                _("%(policy)s cannot be routed by: %(listed)s")
                % {"policy": policy, "listed": "; ".join(problems)},
                field="policy",
                rule="valid",
                problems=problems,
            )


def usable_pools(policies: Sequence[Policy]) -> list[PoolRow]:
    """Return the active pools that the policies name, or all where one names none."""
    named = _named(policies)
    return [row for row in pool_rows() if named is None or row.key in named]


def left_out(policies: Sequence[Policy]) -> tuple[str, ...]:
    """Return the pools that would be used but are inactive, or whose vendor is suspended."""
    named = _named(policies)
    return tuple(
        said("%(pool)s (%(why)s)", pool=name, why=why)
        for key, name, why in idle_pools()
        if named is None or key in named
    )


def _named(policies: Sequence[Policy]) -> set[str] | None:
    """Return the keys of the pools that policies name, None where one names none: all."""
    named: set[str] | None = set()
    for policy in policies:
        keys = policy.document.get("pools") or []
        named = None if named is None or not keys else named | set(keys)
    return named


def check_currency(projects: Sequence[Project], pools: Sequence[PoolRow]) -> str:
    """Return the one currency of a run.

    Raises
    ------
    CurrencyMixed
        If projects or pools differ; the text names them.
    """
    currency = projects[0].currency
    others = [f"{p.key} ({p.currency})" for p in projects if p.currency != currency]
    if others:
        raise CurrencyMixed(
            _(
                "Projects of one run share a currency; %(currency)s is not that of %(listed)s. "
                "Route them one after the other."
            )
            % {"currency": currency, "listed": ", ".join(others)},
            field="project",
            rule="one_currency",
        )
    strange = [p for p in pools if p.kind != PoolKind.HYBRID and p.currency != currency]
    if strange:
        names = ", ".join(f"{pool.name} ({pool.currency})" for pool in strange)
        raise CurrencyMixed(
            _(
                "The run is in %(currency)s, but these pools are priced in another currency: "
                "%(names)s. Name the pools to use in the policy; there is no dated exchange "
                "rate yet."
            )
            % {"currency": currency, "names": names},
            field="pools",
            rule="one_currency",
            pools=[pool.key for pool in strange],
        )
    return str(currency)
