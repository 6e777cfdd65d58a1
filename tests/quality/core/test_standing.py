"""Where a pause test stands after evidence, against the chart that takes it answer by answer."""

import numpy as np
import pytest

from quality.core.sprt import GO_ON, Sprt, SprtState, observe
from quality.core.standing import GRID, on_grid, stand, worse

TEST = Sprt(0.05, 0.15)


def test_three_wrong_in_a_row_and_when_it_was_last_good() -> None:
    found = stand(TEST, [0] * 10 + [1, 1, 1])
    # Ten right ones lower the ratio by 1.11: three errors no longer reach 2.94, four do.
    assert not found.pause
    found = stand(TEST, [0] * 10 + [1, 1, 1, 1])
    assert (found.pause, found.answers, found.errors, found.good) == (True, 14, 4, 9)
    assert (found.first, found.last) == (0, 13)


def test_after_a_clear_it_begins_anew() -> None:
    found = stand(TEST, [0] * 27 + [1, 1, 1])
    assert (found.pause, found.answers, found.errors) == (True, 3, 3)
    assert (found.first, found.good) == (27, 26)


def test_who_was_never_good() -> None:
    found = stand(TEST, [1, 1, 1, 0, 0])
    assert (found.pause, found.answers, found.good, found.last) == (True, 3, -1, 2)


def test_no_evidence() -> None:
    found = stand(TEST, [])
    assert (found.pause, found.answers, found.last, found.good) == (False, 0, -1, -1)


def test_as_the_chart_that_takes_answers_one_by_one() -> None:
    rng = np.random.default_rng(5)
    for share in (0.02, 0.1, 0.3):
        for _again in range(60):
            wrong = (rng.random(150) < share).astype(int)
            state, rows = observe(
                TEST, SprtState.start(1), np.zeros(150, dtype=int), wrong, restart=True
            )
            found = stand(TEST, wrong)
            assert found.pause == bool(len(rows))
            assert (found.answers, found.errors) == (state.answers[0], state.errors[0])
            if found.pause:
                assert found.last == rows[0]
                after = wrong[found.good + 1 : found.last + 1]
                # From the last good evidence on every stretch speaks against the annotator.
                steps = np.where(after, TEST.wrong_step, TEST.right_step)
                assert (np.cumsum(steps) > -1e-9).all()
            else:
                assert state.status[0] == GO_ON


def test_worse_and_the_grid() -> None:
    for share in (0.01, 0.2, 0.6):
        other = worse(share, 3.0)
        assert other / (1 - other) == pytest.approx(3 * share / (1 - share))
    assert on_grid(0.05) == 0.05
    assert on_grid(0.051) == 0.075
    assert on_grid(0.0) == GRID[0]
    assert on_grid(0.9) == GRID[-1]


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="wrong must hold 0 and 1"):
        stand(TEST, [0, 2])
    with pytest.raises(ValueError, match="odds must be above 1"):
        worse(0.1, 1.0)
    with pytest.raises(ValueError, match="share must lie between"):
        worse(0.0, 2.0)
