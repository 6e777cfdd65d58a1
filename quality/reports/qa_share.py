"""How much time goes into checking: reviews and adjudications against labelling, by project.

Seconds are the billable ones where a rule derived them, else as they were measured; imported
answers tell no time and count on neither side. Second reviews tell how often two reviewers agree,
with Wilson's interval.
"""

from datetime import datetime

import pandas as pd
from django.db.models import Count, F, FloatField, Sum
from django.db.models.functions import Coalesce

from accounts.access import scoped
from accounts.models import User
from accounts.permissions import require
from quality.choices import JudgmentSource, ReviewState
from quality.core.intervals import wilson
from quality.models import Adjudication, Judgment, Review
from quality.services.outcomes import agree
from routing.models import Project

VIEW = "reviews.view"
LEAST, MOST = 0.15, 0.25  # share of labelling time that checks are to take
COLUMNS = (
    "project",
    "name",
    "label_seconds",
    "review_seconds",
    "adjudication_seconds",
    "share",
    "band",
    "reviews",
    "second_reviews",
    "agreed",
    "agreement",
    "lower",
    "upper",
)
SECONDS = Coalesce(F("billable_seconds"), F("raw_seconds"), 0.0, output_field=FloatField())


def qa_share(*, acting_user: User, since: datetime, until: datetime) -> pd.DataFrame:
    """Return seconds of labelling and checking in [since, until), one row per project with any.

    share : checking / labelling, NaN where nobody labelled
    band : "under", "within" or "over" LEAST to MOST, "none" without a share
    agreed, second_reviews : second reviews that say the same as the first; all that are done
    """
    require(acting_user, VIEW)
    labelled = dict(
        scoped(Judgment.objects.all(), acting_user)
        .filter(submitted_at__gte=since, submitted_at__lt=until)
        .exclude(source=JudgmentSource.IMPORT)
        .order_by()
        .values_list("task__project")
        .annotate(seconds=Sum(SECONDS))
    )
    done = scoped(Review.objects.all(), acting_user).filter(
        state=ReviewState.DONE, decided_at__gte=since, decided_at__lt=until
    )
    reviewed = {
        project: (seconds, n)
        for project, seconds, n in done.order_by()
        .values_list("task__project")
        .annotate(seconds=Sum(SECONDS), n=Count("pk"))
    }
    adjudicated = dict(
        scoped(Adjudication.objects.all(), acting_user)
        .filter(decided_at__gte=since, decided_at__lt=until)
        .order_by()
        .values_list("task__project")
        .annotate(seconds=Sum(Coalesce("raw_seconds", 0.0, output_field=FloatField())))
    )
    seconds_of = _second_reviews(acting_user, since, until)
    wanted = {*labelled, *reviewed, *adjudicated}
    projects = Project.objects.filter(pk__in=wanted).order_by("name")
    rows = []
    for project in projects:
        label = float(labelled.get(project.pk, 0.0))
        review, n = reviewed.get(project.pk, (0.0, 0))
        adjudication = float(adjudicated.get(project.pk, 0.0))
        share = (review + adjudication) / label if label > 0 else float("nan")
        second, agreed = seconds_of.get(project.pk, (0, 0))
        lower, upper = wilson(agreed, second)
        rows.append(
            (
                project.key,
                project.name,
                label,
                float(review),
                adjudication,
                share,
                band_of(share),
                n,
                second,
                agreed,
                agreed / second if second else float("nan"),
                float(lower),
                float(upper),
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def band_of(share: float) -> str:
    """Tell where a share lies against what is wanted.

    Examples
    --------
    >>> [band_of(share) for share in (0.1, 0.15, 0.25, 0.3, float("nan"))]
    ['under', 'within', 'within', 'over', 'none']
    """
    if share != share:
        return "none"
    return "under" if share < LEAST else "over" if share > MOST else "within"


def _second_reviews(user: User, since: datetime, until: datetime) -> dict[int, tuple[int, int]]:
    """Return (done, of them like the first) second reviews by project."""
    done = scoped(Review.objects.all(), user).filter(state=ReviewState.DONE)
    seconds = done.filter(number=2, decided_at__gte=since, decided_at__lt=until)
    rows = list(
        done.filter(judgment__in=seconds.values("judgment"), number__lte=2)
        .select_related("task__task_type")
        .order_by("judgment_id", "number")
    )
    first = {row.judgment_id: row for row in rows if row.number == 1}
    found: dict[int, tuple[int, int]] = {}
    for row in rows:
        if row.number == 2 and row.judgment_id in first:
            n, same = found.get(row.task.project_id, (0, 0))
            alike = agree(first[row.judgment_id], row, row.task)
            found[row.task.project_id] = (n + 1, same + alike)
    return found


__all__ = ["COLUMNS", "LEAST", "MOST", "VIEW", "band_of", "qa_share"]
