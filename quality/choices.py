"""Words of judgments and gold."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class JudgmentSource(models.TextChoices):
    IMPORT = "import", _("import")
    FORM = "form", _("built-in form")
    API = "api", _("API")
    PLATFORM = "platform", _("labelling platform")


class GoldSource(models.TextChoices):
    IMPORT = "import", _("import")
    ADJUDICATION = "adjudication", _("adjudication")
    EXPERT = "expert", _("expert")


class ReviewWhy(models.TextChoices):
    """Why a judgment or label is reviewed; only random draws count for accuracy as they are."""

    ARRANGEMENT = "arrangement", _("share of the arrangement")
    RANDOM = "random", _("random draw")
    DISAGREEMENT = "disagreement", _("second review after a disagreement")
    AUDIT = "audit", _("statistical audit")
    EVIDENCE = "evidence", _("work since the last good evidence")
    REWORK = "rework", _("after rework")


class ReviewState(models.TextChoices):
    PENDING = "pending", _("pending")
    TAKEN = "taken", _("taken")
    DONE = "done", _("done")
    CANCELLED = "cancelled", _("cancelled")


class ReviewOutcome(models.TextChoices):
    ACCEPT = "accept", _("accept")
    FIX = "fix", _("fix")
    REJECT = "reject", _("reject")


class ErrorCategory(models.TextChoices):
    WRONG_LABEL = "wrong_label", _("wrong label")
    MISSED = "missed", _("something missed")
    EXTRA = "extra", _("something too much")
    IMPRECISE = "imprecise", _("imprecise")
    GUIDELINE = "guideline", _("guideline not followed")
    FORMAT = "format", _("format")
    OTHER = "other", _("other")


class Severity(models.TextChoices):
    MINOR = "minor", _("minor")
    MAJOR = "major", _("major")
    CRITICAL = "critical", _("critical")


class AdjudicationWhy(models.TextChoices):
    UNSURE = "unsure", _("answers do not settle it")
    REVIEWS = "reviews", _("reviews disagree")
    GOLD = "gold", _("gold contradicted")
    ASKED = "asked", _("asked for by a person")


class LabelBy(models.TextChoices):
    """What made a value the accepted one."""

    ANSWER = "answer", _("single answer")
    VOTE = "vote", _("vote")
    REVIEW = "review", _("quality review")
    ADJUDICATION = "adjudication", _("adjudication")
