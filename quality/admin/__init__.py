"""Pages of the house's console: answers, their checks and what watches over them."""

from quality.admin import agreement, alarms, answers, charts, pauses, relabelling

__all__ = ["agreement", "alarms", "answers", "charts", "pauses", "relabelling"]
