"""Words of judgments, gold, checks, audits, qualification and alarms."""

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
    REVIEW = "review", _("quality review")
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


class AlarmKind(models.TextChoices):
    AGREEMENT = "agreement", _("agreement below the floor")
    DRIFT = "drift", _("drift")
    BIAS = "bias", _("worse in one segment")
    GOLD = "gold", _("gold contradicted")
    AUDIT = "audit", _("lot rejected")


class AlarmState(models.TextChoices):
    OPEN = "open", _("open")
    OWNED = "owned", _("in hand")
    CLOSED = "closed", _("closed")


# from -> to; quality.services.alarms takes every step and writes its row.
ALARM_TRANSITIONS: dict[str, frozenset[str]] = {
    AlarmState.OPEN: frozenset({AlarmState.OWNED, AlarmState.CLOSED}),
    # Handed to somebody else is a step as well.
    AlarmState.OWNED: frozenset({AlarmState.OPEN, AlarmState.OWNED, AlarmState.CLOSED}),
    AlarmState.CLOSED: frozenset(),
}


class AlarmOutcome(models.TextChoices):
    """What came of an alarm."""

    ACTED = "acted", _("something was done about it")
    CHANCE = "chance", _("false alarm")
    KNOWN = "known", _("known and accepted for a time")


class AgreementMeasure(models.TextChoices):
    COHEN = "cohen", _("Cohen's κ")
    FLEISS = "fleiss", _("Fleiss' κ")
    ALPHA_NOMINAL = "alpha_nominal", _("Krippendorff's α")
    ALPHA_ORDINAL = "alpha_ordinal", _("Krippendorff's α, ordinal")
    ALPHA_INTERVAL = "alpha_interval", _("Krippendorff's α, interval")
    ALPHA_RATIO = "alpha_ratio", _("Krippendorff's α, ratio")
    EXACT = "exact", _("exact match")
    DIFFERENCE = "difference", _("mean difference")
    ABSOLUTE = "absolute", _("score by difference")
    IOU = "iou", _("intersection over union, matched")
    SHAPE_F1 = "shape_f1", _("F1 of shapes that overlap by half")
    SPAN_F1 = "span_f1", _("F1 of equal spans")
    SPAN_OVERLAP = "span_overlap", _("F1 of spans that overlap")
    WER = "wer", _("word error rate")
    CER = "cer", _("character error rate")
    OVERLAP = "overlap", _("overlap in time")
    RANK = "rank", _("pairs ordered alike")


class SegmentKind(models.TextChoices):
    """By what checked answers are told apart: all of it stood before the work was done."""

    LANGUAGE = "language", _("language")
    DATA_CLASS = "data_class", _("class of data")
    RESIDENCY = "residency", _("where the data stay")
    DOMAIN = "domain", _("domain")
    SOURCE = "source", _("source")
    EDGE_CASE = "edge_case", _("edge case")
    GUIDELINE = "guideline", _("guideline version")
    POOL = "pool", _("pool")


class RelabelState(models.TextChoices):
    LISTED = "listed", _("listed")
    APPLYING = "applying", _("being applied")
    APPLIED = "applied", _("applied")
    UNDOING = "undoing", _("being undone")
    UNDONE = "undone", _("undone")
    DROPPED = "dropped", _("dropped")


# from -> to; quality.services.relabelling takes every step and writes its row.
RELABEL_TRANSITIONS: dict[str, frozenset[str]] = {
    RelabelState.LISTED: frozenset({RelabelState.APPLYING, RelabelState.DROPPED}),
    RelabelState.APPLYING: frozenset({RelabelState.APPLIED}),
    RelabelState.APPLIED: frozenset({RelabelState.UNDOING}),
    RelabelState.UNDOING: frozenset({RelabelState.UNDONE}),
    RelabelState.UNDONE: frozenset(),
    RelabelState.DROPPED: frozenset(),
}


class RelabelWhy(models.TextChoices):
    """By what a task is touched."""

    LABEL = "label", _("its label means something else now")
    ANSWER = "answer", _("an answer says what means something else now")
    FIELD = "field", _("a field of its answer means something else now")
    ASKED = "asked", _("asked for by the query")


class PauseState(models.TextChoices):
    """How a proposed pause stands; a person decides, the system holds for a day at most."""

    PROPOSED = "proposed", _("proposed")
    HELD = "held", _("held")
    CONFIRMED = "confirmed", _("confirmed")
    DECLINED = "declined", _("declined")
    CONTESTED = "contested", _("contested")
    UPHELD = "upheld", _("upheld")
    LIFTED = "lifted", _("lifted")


# from -> to; quality.services.pauses takes every step and writes its row.
PAUSE_TRANSITIONS: dict[str, frozenset[str]] = {
    PauseState.PROPOSED: frozenset({PauseState.HELD, PauseState.CONFIRMED, PauseState.DECLINED}),
    # A hold that nobody confirmed is over after a day; the proposal still waits for a person.
    PauseState.HELD: frozenset(
        {PauseState.PROPOSED, PauseState.CONFIRMED, PauseState.DECLINED, PauseState.CONTESTED}
    ),
    PauseState.CONFIRMED: frozenset({PauseState.CONTESTED}),
    PauseState.DECLINED: frozenset(),
    PauseState.CONTESTED: frozenset({PauseState.UPHELD, PauseState.LIFTED}),
    PauseState.UPHELD: frozenset(),
    PauseState.LIFTED: frozenset(),
}
# Nobody has decided yet: there is one such proposal per annotator and skill.
PAUSE_UNDECIDED = (PauseState.PROPOSED, PauseState.HELD, PauseState.CONTESTED)


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


class LotState(models.TextChoices):
    """How far a statistical audit has come."""

    DRAWN = "drawn", _("drawn, being reviewed")
    ACCEPTED = "accepted", _("accepted")
    REJECTED = "rejected", _("rejected")
    CANCELLED = "cancelled", _("cancelled")


# from -> to; quality.services.auditing takes every step. The row itself is the history: a lot is
# decided or cancelled once, with time and person.
LOT_TRANSITIONS: dict[str, frozenset[str]] = {
    LotState.DRAWN: frozenset({LotState.ACCEPTED, LotState.REJECTED, LotState.CANCELLED}),
    LotState.ACCEPTED: frozenset(),
    LotState.REJECTED: frozenset(),
    LotState.CANCELLED: frozenset(),
}


class LotPlan(models.TextChoices):
    """Where an audit's sample size and acceptance number come from."""

    STANDARD = "standard", _("ISO 2859-1, single")
    OWN = "own", _("own risks")


class InspectionLevel(models.TextChoices):
    SMALL = "I", _("I: smaller samples")
    USUAL = "II", _("II: usual")
    LARGE = "III", _("III: larger samples")


class TryState(models.TextChoices):
    """How a try at a qualification set stands."""

    OPEN = "open", _("under way")
    PASSED = "passed", _("passed")
    FAILED = "failed", _("not passed")
    WITHDRAWN = "withdrawn", _("withdrawn")


TRY_TRANSITIONS: dict[str, frozenset[str]] = {
    TryState.OPEN: frozenset({TryState.PASSED, TryState.FAILED, TryState.WITHDRAWN}),
    TryState.PASSED: frozenset(),
    TryState.FAILED: frozenset(),
    TryState.WITHDRAWN: frozenset(),
}
