"""Rate lines of one card, activity and task type do not overlap."""

from common.triggers import Bump, NoOverlap, bumps
from routing.triggers import FACTS

RULES: tuple[NoOverlap | Bump, ...] = (
    # Work without a price is shut out by a gate.
    *bumps(FACTS, "billing_ratecard", "billing_rateline"),
    NoOverlap(
        "billing_rateline_no_overlap",
        "billing_rateline",
        ("card_id", "activity", "task_type_id?"),
        "valid_from",
        "valid_to",
        "Another line for this activity and task type is in force in this time.",
    ),
)
