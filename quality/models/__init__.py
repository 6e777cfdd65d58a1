"""Answers, what is done with them, and the estimates made from them."""

from quality.models.alarms import Alarm, AlarmStep
from quality.models.answers import GoldAnswer, Judgment
from quality.models.checks import Adjudication, Label, Review
from quality.models.estimates import Estimation, TypeFacts

__all__ = [
    "Adjudication",
    "Alarm",
    "AlarmStep",
    "Estimation",
    "GoldAnswer",
    "Judgment",
    "Label",
    "Review",
    "TypeFacts",
]
