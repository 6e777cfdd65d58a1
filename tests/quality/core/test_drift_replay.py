"""A series under a chart from its beginning, against the chart that is carried on."""

import numpy as np
import pytest

from quality.core.drift import BernoulliCusum, watch_wrongs
from quality.core.drift_replay import plan_for, replay
from quality.core.drift_run_length import of_wrongs
from quality.core.standing import GRID


def test_as_the_chart_that_is_carried_on() -> None:
    chart = BernoulliCusum(10, 1, 28)
    rng = np.random.default_rng(3)
    for share in (0.05, 0.2, 0.6):
        wrong = (rng.random(400) < share).astype(int)
        state, rows = watch_wrongs(chart, np.zeros(1, dtype=int), np.zeros(400, dtype=int), wrong)
        found = replay(chart, wrong)
        assert [rise.row for rise in found.alarms] == rows.tolist()
        assert found.last == state[0]
        for rise in found.alarms:
            assert wrong[rise.first] == 1
            assert (found.level[rise.first : rise.row + 1] > 0).all()


def test_what_a_plan_promises() -> None:
    for p0 in GRID:
        plan = plan_for(p0, 3.0, 500.0)
        assert plan.run_length >= 500
        smaller = BernoulliCusum(plan.chart.up, plan.chart.down, plan.chart.limit - 1)
        assert of_wrongs(smaller, p0)[0] < 500
        assert plan.detection < plan.run_length / 5
        assert plan.p0 < plan.p1 < 1


def test_nothing_seen() -> None:
    found = replay(BernoulliCusum(10, 1, 22), [])
    assert (len(found.level), found.alarms, found.last) == (0, [], 0)
    with pytest.raises(ValueError, match="wrong must hold 0 and 1"):
        replay(BernoulliCusum(10, 1, 22), [3])
