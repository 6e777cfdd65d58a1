"""Pages of the house's console: answers, their checks and what watches over them."""

from quality.admin import alarms, answers

__all__ = ["alarms", "answers"]
