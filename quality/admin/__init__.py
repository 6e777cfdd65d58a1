"""Pages of the house's console: answers, their checks and what watches over them."""

from quality.admin import (
    adjudications,
    agreement,
    alarms,
    answers,
    audits,
    charts,
    gold,
    pauses,
    qualifications,
    relabelling,
    reviews,
)

__all__ = [
    "adjudications",
    "agreement",
    "alarms",
    "answers",
    "audits",
    "charts",
    "gold",
    "pauses",
    "qualifications",
    "relabelling",
    "reviews",
]
