"""Rate lines of one card, activity and task type do not overlap."""

from common.triggers import NoOverlap

RULES = (
    NoOverlap(
        "billing_rateline_no_overlap",
        "billing_rateline",
        ("card_id", "activity", "task_type_id?"),
        "valid_from",
        "valid_to",
        "Another line for this activity and task type is in force in this time.",
    ),
)
