"""Ratings with intervals and evidence: nobody is ranked on five gold tasks."""

import io
from datetime import timedelta

import pandas as pd
import pytest

from accounts.models import User
from audit.models import Event
from common.errors import Forbidden
from quality.reports.ratings import COLUMNS, ratings
from quality.services.exports import export_csv
from tests.conftest import NOW, World
from workforce.models import Annotator, Proficiency, Skill


def rate(person: Annotator, rate: float, n_gold: int, *, days: int = 0) -> None:
    width = 1.0 / (n_gold + 4)
    Proficiency.objects.create(
        annotator=person,
        skill=Skill.objects.get(key="image-classification"),
        as_of=NOW - timedelta(days=days),
        version="test",
        n=n_gold,
        n_gold=n_gold,
        rate=rate,
        rate_lower=max(rate - width, 0),
        rate_upper=min(rate + width, 1),
    )


@pytest.fixture
def rated(world: World) -> World:
    Proficiency.objects.all().delete()
    first, second, third, *_others = Annotator.objects.filter(pool__key="in-house").order_by("pk")
    rate(first, 0.9, 500, days=3)
    rate(first, 0.93, 600)
    rate(second, 0.95, 100)
    rate(third, 1.0, 5)
    return world


def test_the_latest_with_interval_evidence_and_rank(rated: World) -> None:
    table = ratings(**rated.as_("quality"))
    assert list(table.columns) == list(COLUMNS)
    assert table["name"].tolist() == ["own 0", "own 1", "own 2"]
    assert table["rate"].tolist() == [0.93, 0.95, 1.0]
    assert table["n_gold"].tolist() == [600, 100, 5]
    assert table["evidence"].tolist() == ["much", "much", "little"]
    # By the lower bound; five of five right is no rank at all.
    assert table["rank"].tolist()[:2] == [2, 1]
    assert pd.isna(table["rank"][2])
    assert (table["rate_lower"] < table["rate"]).all()


def test_as_of_a_time_and_of_a_pool(rated: World) -> None:
    by = {"acting_user": rated.users["quality"]}
    table = ratings(now=NOW - timedelta(days=1), **by)
    assert table["rate"].tolist() == [0.9]
    assert ratings(now=NOW, pool=rated.pools["alpha"], **by).empty
    assert ratings(now=NOW, skill=Skill.objects.exclude(key="image-classification")[0], **by).empty


def test_exported_with_all_that_makes_it_honest(rated: World) -> None:
    Annotator.objects.filter(name="own 0").update(name="=1+1")
    table = ratings(**rated.as_("auditor"))
    text = export_csv("ratings", table, permission="ratings.view", **rated.as_("auditor"))
    read = pd.read_csv(io.StringIO(text))
    assert list(read.columns) == list(COLUMNS)
    assert read["rate_lower"].tolist() == table["rate_lower"].tolist()
    assert "'=1+1" in read["name"].tolist()
    event = Event.objects.get(kind="report.exported")
    assert (event.actor, event.data["rows"]) == (rated.users["auditor"], 3)
    assert "own 1" not in str(event.data)


def test_who_may_not_see_ratings(rated: World, vendor_user: User) -> None:
    for user in (vendor_user, rated.users["finance"], rated.users["admin"]):
        with pytest.raises(Forbidden):
            ratings(acting_user=user, now=NOW)
        with pytest.raises(Forbidden):
            export_csv("x", pd.DataFrame(), permission="ratings.view", acting_user=user, now=NOW)
