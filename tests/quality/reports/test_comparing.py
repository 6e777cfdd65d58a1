"""Pools like for like: who gets the hard work is not the worse for it."""

from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from accounts.models import User
from common.errors import Forbidden
from quality.reports import comparing
from quality.reports.comparing import COLUMNS, Comparison, compare_pools
from routing.models import Task
from tests.conftest import NOW, World
from tests.quality.services.known import answers, people, review
from tests.quality.services.work import answer, only, routed, take

EASY, HARD = {"entropy": 0.0}, {"entropy": 1.0, "disagreement": 1.0, "edge_case": True}


def compared(world: World, **values: Any) -> Comparison:
    return compare_pools(acting_user=world.users["quality"], now=NOW + timedelta(days=1), **values)


def row(found: Comparison, pool: str) -> Any:
    (one,) = found.table.loc[found.table["pool"] == pool].to_dict("records")
    return one


def share(wrong: int, n: int) -> list[int]:
    return [1] * wrong + [0] * (n - wrong)


@pytest.fixture
def checked(world: World) -> World:
    """Alpha is better at both and gets the hard work; the house gets the easy one."""
    alpha, house = people("alpha")[0], people()[0]
    answers(world, alpha, share(1, 40), **EASY)
    answers(world, alpha, share(24, 120), **HARD)
    answers(world, house, share(6, 120), **EASY)
    answers(world, house, share(12, 40), **HARD)
    return world


def test_who_is_better_at_both_is_better_on_one_mix(checked: World) -> None:
    found = compared(checked)
    assert list(found.table.columns) == list(COLUMNS)
    alpha, house = row(found, "alpha"), row(found, "in-house")
    assert (alpha["crude"], house["crude"]) == pytest.approx((135 / 160, 142 / 160))
    # Half of all checked work is hard.
    assert alpha["accuracy"] == pytest.approx(0.5 * 39 / 40 + 0.5 * 96 / 120)
    assert house["accuracy"] == pytest.approx(0.5 * 114 / 120 + 0.5 * 28 / 40)
    assert alpha["accuracy"] > house["accuracy"]
    assert alpha["lower"] < alpha["accuracy"] < alpha["upper"] < 1
    assert alpha["ratio"] > 1 > house["ratio"]
    assert found.covered == 1.0
    assert found.strata["checked"].tolist() == [160, 160]
    assert found.strata["share"].tolist() == pytest.approx([0.5, 0.5])
    assert sorted(found.table["pool"]) == ["alpha", "in-house"]


def test_a_pool_with_little_evidence_stands_by_itself(checked: World) -> None:
    answers(checked, people("beta")[0], share(0, 5), **EASY)
    found = compared(checked)
    beta = row(found, "beta")
    assert (beta["checked"], beta["crude"]) == (5, 1.0)
    assert np.isnan(beta["accuracy"])
    # It did not take the hard work out of the comparison, which it has not done.
    assert row(found, "alpha")["accuracy"] == pytest.approx(
        0.5 * 39 / 40 + 0.5 * 96 / 120, abs=0.01
    )


def test_only_where_all_have_work(checked: World) -> None:
    answers(checked, people("beta")[0], share(1, 30), **EASY)
    found = compared(checked)
    assert found.strata["common"].tolist().count(True) == 1
    assert found.covered == pytest.approx(190 / 350)
    assert row(found, "alpha")["accuracy"] == pytest.approx(39 / 40)


def test_one_project_and_since_a_time(checked: World) -> None:
    answers(checked, people()[0], share(10, 20), project="other")
    other = Task.objects.filter(project__key="other")[0].project
    found = compared(checked, project=other)
    assert row(found, "in-house")["checked"] == 20
    assert found.table["pool"].tolist() == ["in-house"]
    assert compared(checked, since=NOW).table.empty


def test_money_and_time_per_accepted_label(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "LEAST", 2)
    routed(world, 3, rules=only("in_house"))
    person = people()[0]
    trusted = (12.0, 24.0)
    for seconds in trusted:
        answer(world, take(world, person), seconds=seconds, at=NOW + timedelta(minutes=5))
    found = compared(world)
    house = row(found, "in-house")
    assert (house["answers"], house["accepted"]) == (2, 2)
    assert house["seconds"] == house["seconds_crude"]
    # Thirty an hour of own staff.
    assert house["cost"] == pytest.approx(house["seconds"] / 3600 * 30)
    assert house["currency"] == "EUR"
    assert house["hourly"] == pytest.approx(house["hourly_crude"])
    assert house["hourly"] == pytest.approx(2 / (sum(trusted) / 3600))
    assert house["hourly_lower"] < house["hourly"] < house["hourly_upper"]
    # Nothing was rejected, but the next one may be.
    assert house["cost_lower"] <= house["cost"] < house["cost_upper"]


def test_rejected_answers_and_reviews_are_in_the_cost_of_what_was_accepted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "LEAST", 2)
    routed(world, 4, rules=only("in_house"))
    person = people()[0]
    made = []
    for number in range(4):
        at = NOW + number * timedelta(minutes=5)
        made.append(answer(world, take(world, person, at), at=at + timedelta(minutes=1)))
    cheap = row(compared(world), "in-house")
    assert cheap["cost"] == pytest.approx(10 / 3600 * 30)
    review(world, made[0], 1, at=NOW + timedelta(hours=1), billable_seconds=120.0)
    house = row(compared(world), "in-house")
    assert (house["answers"], house["accepted"]) == (4, 3)
    # Forty seconds of answers and two minutes of a reviewer for three labels.
    assert house["cost"] == pytest.approx((40 + 120) / 3600 * 30 / 3)
    assert house["hourly"] == pytest.approx(3 / (40 / 3600))
    assert house["cost_lower"] < house["cost"] < house["cost_upper"]
    assert cheap["hourly"] > house["hourly"]


def test_nothing_yet_and_who_may(world: World, vendor_user: User) -> None:
    found = compared(world)
    assert found.table.empty
    assert isinstance(found.strata, pd.DataFrame)
    for user in (vendor_user, world.users["finance"]):
        with pytest.raises(Forbidden):
            compare_pools(acting_user=user, now=NOW)
