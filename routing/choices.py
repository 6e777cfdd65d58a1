"""Words of work: modality, data class, use, bands, states."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Modality(models.TextChoices):
    IMAGE = "image", _("image")
    TEXT = "text", _("text")
    AUDIO = "audio", _("audio")
    VIDEO = "video", _("video")
    MULTIMODAL = "multimodal", _("multimodal")
    LLM = "llm", _("LLM and agents")


class Metric(models.TextChoices):
    """How two answers of a type are compared; `exact` types can be voted on."""

    EXACT = "exact", _("exact match")
    IOU = "iou", _("intersection over union")
    SPAN_F1 = "span_f1", _("span F1")
    WER = "wer", _("1 − word error rate")
    OVERLAP = "overlap", _("overlap in time")
    ABSOLUTE = "absolute", _("absolute error")
    RANK = "rank", _("rank correlation")


class DataClass(models.TextChoices):
    PUBLIC = "public", _("public")
    INTERNAL = "internal", _("internal")
    PII = "pii", _("personal data")
    PHI = "phi", _("health data")
    REGULATED = "regulated", _("regulated")


class Use(models.TextChoices):
    """What the labels are for; from advisory to safety-critical."""

    ADVISORY = "advisory", _("advisory")
    PRODUCT = "product", _("product")
    BUSINESS_CRITICAL = "business_critical", _("business-critical")
    SAFETY_CRITICAL = "safety_critical", _("safety-critical")


class Harm(models.TextChoices):
    NONE = "none", _("none")
    MILD = "mild", _("mild")
    SEVERE = "severe", _("severe")


class Band(models.TextChoices):
    LOW = "low", _("low")
    MEDIUM = "medium", _("medium")
    HIGH = "high", _("high")
    CRITICAL = "critical", _("critical")


class Mode(models.TextChoices):
    IN_HOUSE = "in_house", _("in-house")
    OUTSOURCED = "outsourced", _("outsourced")
    HYBRID = "hybrid", _("hybrid")
    MODEL = "model", _("model")


class SamplingOrder(models.TextChoices):
    DUE = "due", _("due time")
    UNCERTAINTY = "uncertainty", _("most uncertain first")
    DISAGREEMENT = "disagreement", _("most disagreement first")
    RANDOM = "random", _("random")


class TaskState(models.TextChoices):
    OPEN = "open", _("open")
    HELD = "held", _("held")
    ANSWERED = "answered", _("answered")
    ACCEPTED = "accepted", _("accepted")
    REWORK = "rework", _("rework")
    CANCELLED = "cancelled", _("cancelled")
    RECALLED = "recalled", _("recalled")


class PolicyState(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class RunState(models.TextChoices):
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class AssignmentState(models.TextChoices):
    RESERVED = "reserved", _("reserved")
    IN_PROGRESS = "in_progress", _("in progress")
    SUBMITTED = "submitted", _("submitted")
    SKIPPED = "skipped", _("skipped")
    EXPIRED = "expired", _("expired")
    RELEASED = "released", _("released")
    WITHDRAWN = "withdrawn", _("withdrawn")


LIVE_ASSIGNMENTS = frozenset({AssignmentState.RESERVED, AssignmentState.IN_PROGRESS})
# States in which an assignment takes a seat of its task, and shuts the task to its human.
SEATED_ASSIGNMENTS = LIVE_ASSIGNMENTS | {AssignmentState.SUBMITTED}

# from -> to; routing.services.assignments takes every step and writes its row.
ASSIGNMENT_TRANSITIONS: dict[str, frozenset[str]] = {
    AssignmentState.RESERVED: frozenset(
        {
            AssignmentState.IN_PROGRESS,
            AssignmentState.SUBMITTED,
            AssignmentState.SKIPPED,
            AssignmentState.EXPIRED,
            AssignmentState.RELEASED,
            AssignmentState.WITHDRAWN,
        }
    ),
    AssignmentState.IN_PROGRESS: frozenset(
        {
            AssignmentState.SUBMITTED,
            AssignmentState.SKIPPED,
            AssignmentState.EXPIRED,
            AssignmentState.RELEASED,
            AssignmentState.WITHDRAWN,
        }
    ),
    AssignmentState.SUBMITTED: frozenset(),
    AssignmentState.SKIPPED: frozenset(),
    # Whose lease ran out goes on where he was, if the seat is still free.
    AssignmentState.EXPIRED: frozenset({AssignmentState.IN_PROGRESS}),
    AssignmentState.RELEASED: frozenset(),
    AssignmentState.WITHDRAWN: frozenset(),
}

# from -> to of a task. `held`: somebody holds it or has answered, and answers are still wanted;
# `answered`: enough answers, checks outstanding.
TASK_TRANSITIONS: dict[str, frozenset[str]] = {
    TaskState.OPEN: frozenset({TaskState.HELD, TaskState.ANSWERED, TaskState.CANCELLED}),
    TaskState.HELD: frozenset(
        {TaskState.OPEN, TaskState.ANSWERED, TaskState.REWORK, TaskState.CANCELLED}
    ),
    TaskState.ANSWERED: frozenset(
        {TaskState.HELD, TaskState.ACCEPTED, TaskState.REWORK, TaskState.CANCELLED}
    ),
    TaskState.ACCEPTED: frozenset({TaskState.REWORK, TaskState.OPEN, TaskState.RECALLED}),
    TaskState.REWORK: frozenset({TaskState.HELD, TaskState.ANSWERED, TaskState.CANCELLED}),
    TaskState.RECALLED: frozenset({TaskState.REWORK}),
    TaskState.CANCELLED: frozenset({TaskState.OPEN}),
}


class Purpose(models.TextChoices):
    """What an assignment is for; nobody who is measured may see it."""

    LABEL = "label", _("label")
    GOLD = "gold", _("gold")
    QUALIFICATION = "qualification", _("qualification")
    REVIEW = "review", _("quality review")
    ADJUDICATION = "adjudication", _("adjudication")


class SkipReason(models.TextChoices):
    UNCLEAR = "unclear", _("the guideline does not tell")
    TOO_HARD = "too_hard", _("beyond what I know")
    BROKEN = "broken", _("it cannot be shown or read")
    HARMFUL = "harmful", _("harmful content")
    CONFLICT = "conflict", _("conflict of interest")
    OTHER = "other", _("another reason")


class SkipTo(models.TextChoices):
    """Where a skipped task goes."""

    OTHERS = "others", _("back to others")
    SELF = "self", _("to the end of my own queue")
    LEAD = "lead", _("to the project's lead")


class ReworkTo(models.TextChoices):
    """Who works a rejected task anew."""

    SAME = "same", _("to the same person, if they may and are there")
    OTHERS = "others", _("to somebody else")


class PushState(models.TextChoices):
    """States of a shift's push."""

    PLANNING = "planning", _("being planned")
    DRAFT = "draft", _("draft")
    COMMITTED = "committed", _("committed")
    DISCARDED = "discarded", _("discarded")
    UNDONE = "undone", _("undone")


OPEN_PUSHES = frozenset({PushState.PLANNING, PushState.DRAFT})
# from -> to; routing.services.push_steps takes every step and writes its row.
PUSH_TRANSITIONS: dict[str, frozenset[str]] = {
    PushState.PLANNING: frozenset({PushState.DRAFT, PushState.DISCARDED}),
    PushState.DRAFT: frozenset({PushState.COMMITTED, PushState.DISCARDED}),
    PushState.COMMITTED: frozenset({PushState.UNDONE}),
    PushState.DISCARDED: frozenset(),
    PushState.UNDONE: frozenset(),
}


class PushWhy(models.TextChoices):
    """Why a task of a push is given to nobody."""

    GATE = "gate", _("a gate is shut")
    RATE = "rate", _("planned for people with a better rate")
    HAD = "had", _("has or had this task")
    HOURS = "hours", _("no hours left")
    LIMIT = "limit", _("limits are reached")
    GONE = "gone", _("not free any more")
    TAKEN_OUT = "taken_out", _("taken out by hand")
