"""The time and the work that a report is about."""

from dataclasses import dataclass
from datetime import datetime

from workforce.models import Skill


@dataclass(frozen=True)
class Span:
    """The time and work that a profile is about: [since, until], one skill or all."""

    since: datetime
    until: datetime
    skill: Skill | None = None


def of_skill(span: Span, path: str) -> dict[str, Skill]:
    """Return the condition that work is of the span's skill; `path` leads to the task type."""
    return {} if span.skill is None else {f"{path}__skill": span.skill}
