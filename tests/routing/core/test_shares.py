"""Share caps over single tasks: what may stay when other vendors have lost tasks."""

import numpy as np
import pytest

from routing.core.shares import Shares


def shares(cap: list[float], allowance: list[float]) -> Shares:
    return Shares(np.arange(len(cap)), np.array(cap), np.array(allowance))


def holds(made: Shares, held: np.ndarray) -> bool:
    room = made.cap * held.sum() + made.allowance
    return bool((held[made.cap < 1] <= room[made.cap < 1] + 1e-6).all())


def test_nothing_goes_where_every_cap_holds() -> None:
    made = shares([0.5, 1.0], [1.0, 1.0])
    held = np.array([11, 10])
    assert made.kept(held).tolist() == [11, 10]
    assert held.tolist() == [11, 10]


def test_a_task_less_makes_all_outside_work_less() -> None:
    # 100 of 180 at a cap of a half and one task: 91 of 180 would do, were 180 to stay.
    assert shares([0.5, 1.0], [1.0, 1.0]).kept(np.array([100, 80])).tolist() == [82, 80]


def test_work_of_the_window_counts() -> None:
    # 10 of 40 done before were the vendor's: with 32 more it has 42 of 82, one over a half.
    made = shares([0.5, 1.0], [0.5 * 40 - 10 + 1, 1.0])
    assert made.kept(np.array([40, 10])).tolist() == [32, 10]


@pytest.mark.parametrize("seed", range(50))
def test_what_is_kept_obeys_all_caps_and_one_more_would_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    V = int(rng.integers(1, 5))
    cap = np.where(rng.random(V) < 0.3, 1.0, np.round(rng.uniform(0.1, 0.95, V), 2))
    made = shares(cap.tolist(), rng.integers(0, 4, V).astype(float).tolist())
    held = rng.integers(0, 200, V)
    kept = made.kept(held)
    assert (kept >= 0).all()
    assert (kept <= held).all()
    assert holds(made, kept)
    assert (kept[cap == 1] == held[cap == 1]).all()
    cut = np.flatnonzero(kept < held)
    if len(cut) == 1:  # with several that lost tasks one could be mended by giving to the other
        more = kept.copy()
        more[cut[0]] += 1
        assert not holds(made, more)


@pytest.mark.parametrize("seed", range(20))
def test_one_more_fits_just_when_the_cap_holds_with_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = shares([0.5, 0.3, 1.0], [1.0, 2.0, 1.0])
    held = made.kept(rng.integers(0, 30, 3))
    assert made.fits(held, -1)
    for vendor in range(3):
        more = held.copy()
        more[vendor] += 1
        room = made.cap[vendor] * more.sum() + made.allowance[vendor]
        assert made.fits(held, vendor) == (vendor == 2 or more[vendor] <= room + 1e-9)
