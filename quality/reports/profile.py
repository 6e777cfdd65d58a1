"""One annotator over a time: rate with interval, output, speed, money, agreement, errors, proofs.

Every table is read in a number of queries that does not hang on how much stands in it, and every
count can be opened to the rows behind it (`quality.reports.profile_rows`).
"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from accounts.models import User
from accounts.permissions import can, require
from quality.core.throughput import Rates, Speeds, measure_rates, measure_speeds
from quality.core.unit_cost import UnitCost, cost_per_accepted
from quality.models import Output
from quality.reports.costs import money_of
from quality.reports.profile_checks import agreement_of, errors_of, review_counts
from quality.reports.ratings import VIEW, evidence_words, ratings
from quality.reports.spans import Span, of_skill
from quality.services.effort import usual_seconds
from quality.services.work import read_work, undecided
from routing.models import TaskType
from workforce.choices import AnnotatorKind
from workforce.models import Annotator, Pool, Proficiency

ESTIMATES = (
    "skill",
    "as_of",
    "n",
    "n_gold",
    "accuracy",
    "lower",
    "upper",
    "rate",
    "rate_lower",
    "rate_upper",
    "speed",
    "version",
)


OUTPUTS = (
    "skill",
    "since",
    "as_of",
    "answers",
    "accepted",
    "rejected",
    "days",
    "trusted_hours",
    "per_hour",
    "hour_lower",
    "hour_upper",
    "per_day",
    "day_lower",
    "day_upper",
    "timed",
    "speed",
    "speed_lower",
    "speed_upper",
    "version",
)


@dataclass(frozen=True)
class Done:
    """What somebody got done.

    per_hour : accepted answers an hour, over trusted hours; per_day : a day worked, all of them
    speed : time over the expected one. Each of one annotator: arrays of length 1
    table : a row per day: day, answers, accepted, rejected, undecided, hours, trusted_hours
    counts : of the whole time, by the columns of the table and `faulted` (answers left out of
        trusted hours)
    """

    per_hour: Rates
    per_day: Rates
    speed: Speeds
    table: pd.DataFrame
    counts: dict[str, float]


@dataclass(frozen=True)
class Cost:
    """Cost per accepted label of one annotator; unknown : answers whose money is not known."""

    unit: UnitCost
    currency: str
    unknown: int


@dataclass(frozen=True)
class Profile:
    """What is known of an annotator, as tables.

    estimates : every estimate kept by the end of the span; latest : the last one of each skill,
        with `evidence` in words; ranks : by skill key, (rank, of how many), by the lower bound of
        the rate; nobody on little evidence has one
    outputs : throughput as it was measured by night, by the end of the span, OUTPUTS
    by_type : output, speed and share accepted by task type
    agreement : with each other annotator, from the last measurement of each kind of work
    errors : reviews that found an error, by category (rows) and severity (columns)
    reviews : answers reviewed, by why: done, right, fixed, rejected
    """

    annotator: Annotator
    span: Span
    estimates: pd.DataFrame
    latest: pd.DataFrame
    ranks: dict[str, tuple[int, int]]
    output: Done
    cost: Cost
    by_type: pd.DataFrame
    outputs: pd.DataFrame
    agreement: pd.DataFrame
    errors: pd.DataFrame
    reviews: pd.DataFrame


def annotator_profile(annotator: Annotator, span: Span, *, acting_user: User) -> Profile:
    """Return the profile of an annotator.

    The caller has the row by the access functions: it is one that the user may see.
    """
    require(acting_user, VIEW)
    estimates = _estimates(annotator, span)
    work = read_work(
        span.until,
        since=span.since,
        annotators=[annotator.pk],
        **of_skill(span, "task__task_type"),
    )
    usual = _usual(work, span.until)
    reviewed = can(acting_user, "reviews.view")
    return Profile(
        annotator=annotator,
        span=span,
        estimates=estimates,
        latest=_latest(estimates),
        ranks=_ranks(annotator, span, acting_user),
        output=_output(work, usual, annotator),
        cost=_cost(work, annotator, span.until),
        by_type=_by_type(work, usual, annotator),
        outputs=_outputs(annotator, span),
        agreement=agreement_of(annotator, span, acting_user),
        errors=errors_of(annotator, span) if reviewed else pd.DataFrame(),
        reviews=review_counts(annotator, span) if reviewed else pd.DataFrame(),
    )


def _estimates(annotator: Annotator, span: Span) -> pd.DataFrame:
    rows = Proficiency.objects.filter(annotator=annotator, as_of__lte=span.until)
    if span.skill is not None:
        rows = rows.filter(skill=span.skill)
    paths = ["skill__name", *ESTIMATES[1:]]
    table = pd.DataFrame(
        list(rows.order_by("skill__name", "as_of").values_list("skill__key", *paths)),
        columns=["skill", "skill_name", *ESTIMATES[1:]],
    )
    return table.astype(dict.fromkeys(("accuracy", "lower", "upper"), float))


def _outputs(annotator: Annotator, span: Span) -> pd.DataFrame:
    rows = Output.objects.filter(annotator=annotator, as_of__lte=span.until)
    if span.skill is not None:
        rows = rows.filter(skill=span.skill)
    found = rows.order_by("-as_of", "skill__name").values_list("skill__key", *OUTPUTS[1:])
    table = pd.DataFrame(list(found), columns=list(OUTPUTS))
    measured = ("per_hour", "hour_upper", "per_day", "day_upper", *OUTPUTS[-4:-1])
    return table.astype(dict.fromkeys(measured, float))


def _latest(estimates: pd.DataFrame) -> pd.DataFrame:
    last = estimates.loc[~estimates["skill"].duplicated(keep="last")].reset_index(drop=True)
    return last.assign(evidence=[evidence_words(n) for n in last["n_gold"]])


def _ranks(annotator: Annotator, span: Span, user: User) -> dict[str, tuple[int, int]]:
    every = ratings(acting_user=user, now=span.until, skill=span.skill)
    ranked = every.loc[every["rank"].notna()]
    of = ranked.groupby("skill").size()
    mine = ranked.loc[ranked["annotator"] == str(annotator.public_id)]
    return {
        skill: (int(rank), int(of[skill]))
        for skill, rank in zip(mine["skill"], mine["rank"], strict=True)
    }


def _usual(work: pd.DataFrame, now: datetime) -> pd.Series:
    """Return the seconds that the effort model expects of each answer."""
    tasks = np.unique(work["task"].to_numpy(dtype=np.int64))
    by_task = pd.Series(usual_seconds(tasks, now), index=tasks, dtype=float)
    return work["task"].map(by_task).astype(float)


def _output(work: pd.DataFrame, usual: pd.Series, annotator: Annotator) -> Done:
    nobody = np.zeros(len(work), dtype=np.int64)
    hours = work["seconds"].fillna(0.0).to_numpy() / 3600.0
    trusted = work["trusted"].to_numpy(dtype=bool)
    accepted = work["accepted"].to_numpy(dtype=float)
    day = work["day"].to_numpy(dtype=np.int64)
    days, row = np.unique(day, return_inverse=True)
    each = np.zeros(len(days), dtype=np.int64)

    def by_day(values: np.ndarray) -> np.ndarray:
        return np.bincount(row, values, minlength=len(days))

    timed = trusted if annotator.kind != AnnotatorKind.MODEL else np.zeros(len(work), dtype=bool)
    table = pd.DataFrame(
        {
            "day": days,
            "answers": by_day(np.ones(len(work))).astype(np.int64),
            "accepted": by_day(accepted).astype(np.int64),
            "rejected": by_day(work["rejected"].to_numpy(dtype=float)).astype(np.int64),
            "undecided": by_day(undecided(work).to_numpy(dtype=float)).astype(np.int64),
            "hours": by_day(hours),
            "trusted_hours": by_day(hours * trusted),
        }
    )
    counts = {name: float(table[name].sum()) for name in table.columns if name != "day"}
    counts["faulted"] = float((~trusted).sum())
    return Done(
        per_hour=measure_rates(nobody, day, accepted * trusted, hours * trusted, 1),
        per_day=measure_rates(each, days, by_day(accepted), np.ones(len(days)), 1),
        speed=measure_speeds(
            nobody[timed], day[timed], work["seconds"].to_numpy()[timed], usual.to_numpy()[timed], 1
        ),
        table=table,
        counts=counts,
    )


def _cost(work: pd.DataFrame, annotator: Annotator, now: datetime) -> Cost:
    currency = dict(Pool.objects.values_list("pk", "currency"))
    money = money_of(work, currency, now)
    right = work["accepted"].to_numpy(dtype=bool)
    wrong = work["rejected"].to_numpy(dtype=bool)
    # An answer whose money is not known is left out on both sides of the ratio.
    known = ~np.isnan(money.review) & ~np.isnan(np.where(wrong, money.spoiled, money.label))
    decided = (right | wrong) & known
    unpaid = float(np.nanmean(money.spoiled[right & known])) if (right & known).any() else 0.0
    unit = cost_per_accepted(
        int((right & known).sum()),
        int((wrong & known).sum()),
        accepted_money=float(money.label[right & known].sum()),
        rejected_money=float(money.spoiled[wrong & known].sum()),
        review_money=float(money.review[decided].sum()),
        spoiled=unpaid,
    )
    return Cost(unit, annotator.pool.currency, int(((right | wrong) & ~known).sum()))


def _by_type(work: pd.DataFrame, usual: pd.Series, annotator: Annotator) -> pd.DataFrame:
    kinds, kind = np.unique(work["task_type"].to_numpy(dtype=np.int64), return_inverse=True)
    names = TaskType.objects.select_related("skill").in_bulk(kinds.tolist())
    trusted = work["trusted"].to_numpy(dtype=bool)
    accepted = work["accepted"].to_numpy(dtype=float)
    hours = work["seconds"].fillna(0.0).to_numpy() / 3600.0 * trusted
    day = work["day"].to_numpy(dtype=np.int64)
    rates = measure_rates(kind, day, accepted * trusted, hours, len(kinds))
    timed = trusted if annotator.kind != AnnotatorKind.MODEL else np.zeros(len(work), dtype=bool)
    speed = measure_speeds(
        kind[timed],
        day[timed],
        work["seconds"].to_numpy()[timed],
        usual.to_numpy()[timed],
        len(kinds),
    )

    def count(values: np.ndarray) -> np.ndarray:
        return np.bincount(kind, values, minlength=len(kinds)).astype(np.int64)

    return pd.DataFrame(
        {
            "task_type": [names[pk].key for pk in kinds.tolist()],
            "skill": [names[pk].skill.key for pk in kinds.tolist()],
            "task_type_name": [names[pk].name for pk in kinds.tolist()],
            "answers": count(np.ones(len(work))),
            "accepted": count(accepted),
            "rejected": count(work["rejected"].to_numpy(dtype=float)),
            "per_hour": rates.value,
            "hour_lower": rates.lower,
            "hour_upper": rates.upper,
            "speed": speed.factor,
            "speed_lower": speed.lower,
            "speed_upper": speed.upper,
            "timed": speed.answers,
        }
    )
