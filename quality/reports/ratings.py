"""What is known of everybody's accuracy and rate, with intervals and the evidence behind them.

Nobody is ranked on little evidence: a rank goes by the lower bound of the rate, and only to whom
RANKED_FROM gold answers or more stand behind.
"""

from datetime import datetime

import pandas as pd
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.translation import gettext as _

from accounts.access import scoped
from accounts.models import User
from accounts.permissions import require
from quality.models import Output
from workforce.models import Pool, Proficiency, Skill

VIEW = "ratings.view"
RANKED_FROM = 20
COLUMNS = (
    "annotator",
    "name",
    "pool",
    "skill",
    "n",
    "n_gold",
    "accuracy",
    "lower",
    "upper",
    "rate",
    "rate_lower",
    "rate_upper",
    "speed",
    "as_of",
    "version",
    "per_hour",
    "hour_lower",
    "hour_upper",
    "accepted",
    "trusted_hours",
    "evidence",
    "rank",
)
PATHS = {
    "annotator__public_id": "annotator",
    "annotator__name": "name",
    "annotator__pool__key": "pool",
    "skill__key": "skill",
    **{name: name for name in COLUMNS[4:15]},
}
OUTPUT = COLUMNS[15:20]


def ratings(
    *, acting_user: User, now: datetime, skill: Skill | None = None, pool: Pool | None = None
) -> pd.DataFrame:
    """Return the latest estimate of every annotator in every skill as of a time.

    Ordered by skill and name. Throughput as last measured stands beside: accepted answers an hour,
    over trusted hours, with its 90 % interval. `evidence` says in words how much stands behind the
    rate; `rank` is among the people of a skill, by the lower bound of the rate, empty where little
    stands behind.
    """
    require(acting_user, VIEW)
    rows = scoped(Proficiency.objects.filter(as_of__lte=now), acting_user)
    if skill is not None:
        rows = rows.filter(skill=skill)
    if pool is not None:
        rows = rows.filter(annotator__pool=pool)
    newest = Window(
        RowNumber(), partition_by=[F("annotator"), F("skill")], order_by=F("as_of").desc()
    )
    latest = rows.annotate(newest=newest).filter(newest=1)
    table = pd.DataFrame(list(latest.values_list(*PATHS)), columns=list(PATHS.values()))
    table["annotator"] = table["annotator"].astype(str)
    table["evidence"] = [evidence_words(n) for n in table["n_gold"]]
    table = table.merge(_output(latest, now), on=["annotator", "skill"], how="left")
    known = table["n_gold"] >= RANKED_FROM
    ranks = table.loc[known].groupby("skill")["rate_lower"].rank(method="min", ascending=False)
    table["rank"] = ranks.reindex(table.index).astype("Int64")
    table = table.sort_values(["skill", "name", "annotator"], ignore_index=True)
    return table.loc[:, list(COLUMNS)]


def _output(rated: QuerySet[Proficiency], now: datetime) -> pd.DataFrame:
    """Return the throughput measured last of those who are rated, by annotator and skill."""
    newest = Window(
        RowNumber(), partition_by=[F("annotator"), F("skill")], order_by=F("as_of").desc()
    )
    rows = (
        Output.objects.filter(as_of__lte=now, annotator__in=rated.values("annotator"))
        .annotate(newest=newest)
        .filter(newest=1)
    )
    paths = ("annotator__public_id", "skill__key", *OUTPUT)
    found = [(str(one), *values) for one, *values in rows.values_list(*paths)]
    table = pd.DataFrame(found, columns=["annotator", "skill", *OUTPUT])
    return table.astype({"annotator": str, "skill": str, **dict.fromkeys(OUTPUT, float)}).astype(
        {"accepted": "Int64"}
    )


def evidence_words(n_gold: int) -> str:
    """Say in words how much an estimate stands on.

    Examples
    --------
    >>> evidence_words(5), evidence_words(20), evidence_words(400)
    ('little', 'some', 'much')
    """
    if n_gold < RANKED_FROM:
        return _("little")
    return _("some") if n_gold < 5 * RANKED_FROM else _("much")
