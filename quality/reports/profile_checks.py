"""How far an annotator agrees with others, and what quality reviews found of their answers."""

import pandas as pd
from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from accounts.access import scoped
from accounts.models import User
from quality.choices import ErrorCategory, ReviewOutcome, ReviewState, ReviewWhy, Severity
from quality.models import AgreementPair, Review
from quality.reports.spans import Span, of_skill
from workforce.models import Annotator

AGREEMENT = (
    "project",
    "task_type",
    "field",
    "other",
    "units",
    "observed",
    "kappa",
    "lower",
    "upper",
)


def agreement_of(annotator: Annotator, span: Span, user: User) -> pd.DataFrame:
    """Return the pairs with others of the last measurement of each kind of work of a project."""
    rows = scoped(AgreementPair.objects.all(), user).filter(
        Q(first=annotator) | Q(second=annotator),
        agreement__guideline__isnull=True,
        agreement__as_of__lte=span.until,
        **of_skill(span, "agreement__task_type"),
    )
    newest = Window(
        RowNumber(),
        partition_by=[
            F("agreement__project"),
            F("agreement__task_type"),
            F("field"),
            F("first"),
            F("second"),
        ],
        order_by=[F("agreement__as_of").desc(), F("pk").desc()],
    )
    found = (
        rows.annotate(newest=newest)
        .filter(newest=1)
        .order_by("-units", "pk")
        .values_list(
            "agreement_id",
            "agreement__project__name",
            "agreement__task_type__name",
            "field",
            "first__name",
            "second__name",
            "first_id",
            "units",
            "observed",
            "kappa",
            "lower",
            "upper",
        )
    )
    table = [
        (of, project, kind, field, second if one == annotator.pk else first, *numbers)
        for of, project, kind, field, first, second, one, *numbers in found
    ]
    return pd.DataFrame(table, columns=["agreement", *AGREEMENT]).astype(
        dict.fromkeys(("observed", "kappa", "lower", "upper"), float)
    )


def reviews_of(annotator: Annotator, span: Span) -> Q:
    """Return the condition of the reviews of an annotator's answers that were done in a span."""
    return Q(
        judgment__annotator=annotator,
        state=ReviewState.DONE,
        decided_at__gte=span.since,
        decided_at__lte=span.until,
        **of_skill(span, "task__task_type"),
    )


def errors_of(annotator: Annotator, span: Span) -> pd.DataFrame:
    """Return errors found by category (rows) and severity (columns), the most frequent first."""
    found = dict.fromkeys(((c, s) for c in ErrorCategory.values for s in Severity.values), 0) | {
        (category, severity): n
        for category, severity, n in Review.objects.filter(reviews_of(annotator, span))
        .exclude(category="")
        .values_list("category", "severity")
        .annotate(n=Count("pk"))
        .order_by()
    }
    table = pd.DataFrame(
        [
            {
                "category": category,
                "name": str(ErrorCategory(category).label),
                **{severity: found[category, severity] for severity in Severity.values},
            }
            for category in ErrorCategory.values
        ]
    )
    table["all"] = table[list(Severity.values)].sum(axis=1)
    some = table.loc[table["all"] > 0].sort_values("all", ascending=False, kind="stable")
    return some.reset_index(drop=True)


def review_counts(annotator: Annotator, span: Span) -> pd.DataFrame:
    """Return answers reviewed by why they were drawn (rows) and outcome (columns)."""
    rows = (
        Review.objects.filter(reviews_of(annotator, span))
        .values_list("why", "outcome")
        .annotate(n=Count("pk"))
        .order_by()
    )
    found = {(why, outcome): n for why, outcome, n in rows}
    table = pd.DataFrame(
        [
            {
                "why": why,
                "name": str(ReviewWhy(why).label),
                **{o: found.get((why, o), 0) for o in ReviewOutcome.values},
            }
            for why in ReviewWhy.values
        ]
    )
    table["all"] = table[list(ReviewOutcome.values)].sum(axis=1)
    return table.loc[table["all"] > 0].reset_index(drop=True)
