"""Acceptance sampling: the standard's plans, exact chances and bounds, search, draw, switching."""

from collections.abc import Callable
from math import comb

import numpy as np
import pytest

from quality.core.sampling import (
    accept_lot,
    accept_process,
    limiting_units,
    quality_at,
    search_plan,
    wrong_units,
)
from quality.core.sampling_draw import allocate, draw
from quality.core.sampling_plans import AQLS, LETTERS, LOTS, SIZES, code_letter, single_plan
from quality.core.sampling_switching import Severity, after_lot, resume

ROW = dict(zip(LETTERS, SIZES, strict=True))
LOT = dict(zip("ABCDEFGHJKLM", LOTS[:12], strict=True))


@pytest.mark.parametrize("letter", LOT)
def test_code_letters_of_level_two(letter: str) -> None:
    assert code_letter(LOT[letter]) == letter
    assert code_letter(LOT[letter] + 1) != letter


def test_code_letters_of_other_levels() -> None:
    assert [code_letter(501, level) for level in ("I", "II", "III")] == ["G", "J", "K"]
    assert [code_letter(2, level) for level in ("I", "II", "III")] == ["A", "A", "B"]
    assert [code_letter(600_000, level) for level in ("I", "II", "III")] == ["N", "Q", "R"]


@pytest.mark.parametrize(
    ("severity", "aql", "cells"),
    [
        ("normal", 1.0, "H 50/1 J 80/2 K 125/3 L 200/5 M 315/7"),
        ("normal", 2.5, "H 50/3 J 80/5 K 125/7 L 200/10"),
        ("normal", 4.0, "J 80/7"),
        ("normal", 1.5, "L 200/7"),
        ("tightened", 1.0, "J 80/1 K 125/2 L 200/3"),
    ],
)
def test_published_plans(severity: str, aql: float, cells: str) -> None:
    words = cells.split()
    for letter, numbers in zip(words[::2], words[1::2], strict=True):
        size, accept = map(int, numbers.split("/"))
        plan = single_plan(LOT[letter], aql, severity=severity)
        assert (plan.letter, plan.size, plan.accept) == (letter, size, accept)
        assert plan.reject == accept + 1
        assert not plan.whole_lot


def columns() -> list[tuple[str, float, str]]:
    """MIL-STD-105E, Tables II-A and II-B: size/acceptance of the codes A to R at three AQLs."""
    return [
        (
            "normal",
            1.0,
            "13/0 13/0 13/0 13/0 13/0 13/0 50/1 50/1 80/2 125/3 200/5 315/7 500/10 800/14 "
            "1250/21 1250/21",
        ),
        (
            "normal",
            6.5,
            "2/0 2/0 8/1 8/1 13/2 20/3 32/5 50/7 80/10 125/14 200/21 200/21 200/21 200/21 "
            "200/21 200/21",
        ),
        (
            "normal",
            0.065,
            "200/0 200/0 200/0 200/0 200/0 200/0 200/0 200/0 200/0 200/0 200/0 200/0 800/1 800/1 "
            "1250/2 2000/3",
        ),
        (
            "tightened",
            1.0,
            "20/0 20/0 20/0 20/0 20/0 20/0 80/1 80/1 80/1 125/2 200/3 315/5 500/8 800/12 "
            "1250/18 1250/18",
        ),
        (
            "tightened",
            6.5,
            "3/0 3/0 13/1 13/1 13/1 20/2 32/3 50/5 80/8 125/12 200/18 200/18 200/18 200/18 "
            "200/18 200/18",
        ),
        (
            "tightened",
            0.065,
            "315/0 315/0 315/0 315/0 315/0 315/0 315/0 315/0 315/0 315/0 315/0 315/0 1250/1 "
            "1250/1 1250/1 2000/2",
        ),
    ]


@pytest.mark.parametrize(("severity", "aql", "cells"), columns())
def test_whole_columns_with_their_arrows(severity: str, aql: float, cells: str) -> None:
    """Lots of every letter; where the plan asks for more units than there are, all are taken."""
    lots = [8, 15, 25, 50, 90, 150, 280, 500, 1200, 3200, 10**4, 35_000, 150_000, 500_000, 10**6]
    for lot, cell in zip(lots, cells.split(), strict=False):
        size, accept = map(int, cell.split("/"))
        plan = single_plan(lot, aql, severity=severity)
        assert (ROW[plan.letter], plan.accept) == (size, accept)
        assert plan.size == min(size, lot)
        assert plan.whole_lot == (size >= lot)
    size, accept = map(int, cells.split()[-1].split("/"))
    plan = single_plan(10**6, aql, level="III", severity=severity)
    assert (plan.size, plan.accept) == (size, accept)


def test_stricter_is_never_easier() -> None:
    """A lot at twice the AQL is accepted less often under tightened inspection, at every cell."""
    for lot in (50, 400, 2_000, 20_000, 400_000):
        for aql in AQLS:
            normal, tight = (single_plan(lot, aql, severity=s) for s in ("normal", "tightened"))
            p = 2 * aql / 100
            assert accept_process(p, tight.size, tight.accept) <= accept_process(
                p, normal.size, normal.accept
            )


@pytest.mark.parametrize(
    ("plan", "chances", "p95", "p10"),
    [
        ((50, 1), (0.9106, 0.6435, 0.2794), 0.0072, 0.0756),
        ((80, 2), (0.9534, 0.6767, 0.2306), 0.0103, 0.0652),
        ((125, 3), (0.9626, 0.6189, 0.1238), 0.0110, 0.0527),
        ((200, 5), (0.9840, 0.6160, 0.0623), 0.0131, 0.0459),
        ((80, 1), (0.8092, 0.4026, 0.0861), 0.0045, 0.0478),
    ],
)
def test_operating_characteristic(
    plan: tuple[int, int], chances: tuple[float, ...], p95: float, p10: float
) -> None:
    np.testing.assert_allclose(accept_process([0.01, 0.025, 0.05], *plan), chances, atol=5e-5)
    np.testing.assert_allclose(quality_at([0.95, 0.10], *plan), [p95, p10], atol=5e-5)


def test_a_lot_is_not_a_process() -> None:
    assert float(accept_lot(1000, 50, 80, 2)) == pytest.approx(0.2186, abs=5e-5)
    assert float(accept_process(0.05, 80, 2)) == pytest.approx(0.2306, abs=5e-5)
    limit = limiting_units(1000, 80, 2)
    assert limit is not None
    assert accept_lot(1000, limit, 80, 2) <= 0.1 < accept_lot(1000, limit - 1, 80, 2)
    assert limit / 1000 < float(quality_at(0.1, 80, 2))
    assert limiting_units(10, 2, 2) is None


def exact(N: int, D: int, n: int, c: int) -> float:
    """Return P(X ≤ c) by counting samples in whole numbers."""
    ways = sum(comb(D, x) * comb(N - D, n - x) for x in range(min(c, n, D) + 1) if n - x <= N - D)
    return ways / comb(N, n)


def test_chances_equal_counted_samples() -> None:
    rng = np.random.default_rng(2)
    for _case in range(60):
        N = int(rng.integers(2, 60))
        D, n = int(rng.integers(0, N + 1)), int(rng.integers(1, N + 1))
        c = int(rng.integers(0, n + 1))
        assert float(accept_lot(N, D, n, c)) == pytest.approx(exact(N, D, n, c), abs=1e-12)


def test_bounds_of_a_lot_are_the_ones_not_ruled_out() -> None:
    rng = np.random.default_rng(3)
    for _case in range(60):
        N = int(rng.integers(2, 50))
        n = int(rng.integers(1, N + 1))
        x = int(rng.integers(0, n + 1))
        kept = [
            D
            for D in range(x, N - n + x + 1)
            if exact(N, D, n, x) > 0.05 and 1 - exact(N, D, n, x - 1) > 0.05
        ]
        assert wrong_units(N, n, x, level=0.9) == (kept[0], kept[-1])


def test_bounds_hold_at_their_level() -> None:
    N, n = 300, 40
    for D in (0, 1, 5, 17, 60, 299):
        held = 0.0
        for x in range(n + 1):
            if x > D or n - x > N - D:
                continue
            low, high = wrong_units(N, n, x, level=0.9)
            held += (low <= D <= high) * comb(D, x) * comb(N - D, n - x) / comb(N, n)
        assert held >= 0.9 - 1e-12
    assert wrong_units(12, 12, 3) == (3, 3)
    assert wrong_units(1_000_000, 125, 0)[0] == 0


def test_the_plan_found_is_the_smallest() -> None:
    rng = np.random.default_rng(4)
    for _case in range(25):
        N = int(rng.integers(10, 45))
        D0 = int(rng.integers(0, 4))
        D1 = D0 + int(rng.integers(2, 7))
        alpha, beta = rng.uniform(0.02, 0.3, 2)
        plan = search_plan(
            N,
            acceptable=D0 / N,
            limiting=D1 / N,
            producer_risk=alpha,
            consumer_risk=beta,
        )
        fits = [
            (n, c)
            for n in range(1, N + 1)
            for c in range(n)
            if 1 - exact(N, D0, n, c) <= alpha and exact(N, D1, n, c) <= beta
        ]
        assert (plan.size, plan.accept) == fits[0]
        assert plan.producer_risk == pytest.approx(1 - exact(N, D0, plan.size, plan.accept))
        assert plan.consumer_risk == pytest.approx(exact(N, D1, plan.size, plan.accept))


def test_a_plan_for_a_large_lot() -> None:
    plan = search_plan(100_000, acceptable=0.01, limiting=0.05)
    assert plan.producer_risk <= 0.05
    assert plan.consumer_risk <= 0.1
    # The process's plan for these four numbers, 132/3, is hardly larger.
    assert (plan.size, plan.accept) == (132, 3)


def test_allocation_is_proportional_with_at_least_one() -> None:
    assert allocate([500, 300, 200], 10).tolist() == [5, 3, 2]
    assert allocate([990, 9, 1], 10).tolist() == [8, 1, 1]
    assert allocate([1, 0, 1, 1], 3).tolist() == [1, 0, 1, 1]
    assert allocate([10, 10, 10], 4).tolist() == [2, 1, 1]
    rng = np.random.default_rng(5)
    for _case in range(100):
        sizes = rng.integers(0, 40, 5) + (np.arange(5) == 0)
        total = int(rng.integers((sizes > 0).sum(), sizes.sum() + 1))
        found = allocate(sizes, total)
        assert found.sum() == total
        assert ((found >= (sizes > 0)) & (found <= sizes)).all()


def test_a_draw_can_be_repeated_and_is_fair() -> None:
    strata = np.repeat([0, 1, 2], [60, 30, 10])
    strata.setflags(write=False)
    first = draw(strata, 20, seed=7)
    assert (first.units == draw(strata, 20, seed=7).units).all()
    assert (first.units != draw(strata, 20, seed=8).units).any()
    assert np.bincount(strata[first.units]).tolist() == [12, 6, 2]
    assert (first.probability == 0.2).all()
    counts = np.zeros(100)
    for seed in range(2_000):
        counts[draw(strata, 20, seed=seed).units] += 1
    # 400 expected of each; the largest of 100 binomial deviations is below 4.5 of 17.9.
    assert np.abs(counts - 400).max() < 80
    assert draw(strata, 100, seed=1).units.tolist() == list(range(100))


def run(outcomes: str, now: Severity | None = None) -> Severity:
    now = now or Severity()
    for outcome in outcomes:
        now = after_lot(now, accepted=outcome == "a")
    return now


def test_switching() -> None:
    assert run("araa").stage == "normal"
    assert run("raaar").stage == "tightened"
    assert run("raaaar").stage == "normal"
    assert run("rr").stage == "tightened"
    assert run("rraaaa").stage == "tightened"
    assert run("rraaaaa") == Severity()
    assert run("rrarararar").stage == "tightened"
    stopped = run("rrararararr")
    assert stopped.stage == "stopped"
    with pytest.raises(ValueError, match="stopped"):
        after_lot(stopped, accepted=True)
    assert resume(stopped) == Severity("tightened")
    with pytest.raises(ValueError, match="stopped"):
        resume(Severity())
    once = run("r")
    assert after_lot(once, accepted=False, resubmitted=True) == once


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: single_plan(1, 1.0), "lot"),
        (lambda: single_plan(100, 1.1), "aql"),
        (lambda: single_plan(100, 1.0, level="S-1"), "level"),
        (lambda: single_plan(100, 1.0, severity="reduced"), "severity"),
        (lambda: accept_lot(10, 11, 2, 0), "wrong"),
        (lambda: accept_lot(10, 1, 12, 0), "size"),
        (lambda: accept_process(1.2, 10, 0), "share"),
        (lambda: quality_at(0.1, 5, 5), "accept"),
        (lambda: limiting_units(10, 2, 0, chance=0.0), "chance"),
        (lambda: wrong_units(10, 0, 0), "size"),
        (lambda: wrong_units(10, 5, 6), "found"),
        (lambda: wrong_units(10, 5, 1, level=1.0), "level"),
        (lambda: search_plan(100, acceptable=0.05, limiting=0.05), "limiting"),
        (lambda: search_plan(100, acceptable=0.01, limiting=0.05, consumer_risk=0), "consumer"),
        (lambda: allocate([3, 2], 1), "total"),
        (lambda: allocate([3, 2], 6), "total"),
        (lambda: draw([0, -1], 1, seed=1), "strata"),
        (lambda: draw([[0]], 1, seed=1), "strata"),
        (lambda: draw([0, 1], 2, seed=-1), "seed"),
    ],
)
def test_bad_input_is_named(call: Callable[[], object], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        call()
