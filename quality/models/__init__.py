"""Answers, what is done with them, and the estimates made from them."""

from quality.models.agreements import (
    Agreement,
    AgreementFigure,
    AgreementLabel,
    AgreementPair,
)
from quality.models.alarms import Alarm, AlarmStep
from quality.models.answers import GoldAnswer, Judgment
from quality.models.audits import AuditItem, AuditLot
from quality.models.charts import BiasReport, BiasSegment, DriftChart
from quality.models.checks import Adjudication, Label, Review, ReviewChance
from quality.models.estimates import Estimation, TypeFacts
from quality.models.output import Output
from quality.models.pauses import PauseProposal, PauseProposalStep
from quality.models.qualification import QualificationItem, QualificationSet, QualificationTry
from quality.models.relabels import Relabel, RelabelStep, RelabelTask

__all__ = [
    "Adjudication",
    "Agreement",
    "AgreementFigure",
    "AgreementLabel",
    "AgreementPair",
    "Alarm",
    "AlarmStep",
    "AuditItem",
    "AuditLot",
    "BiasReport",
    "BiasSegment",
    "DriftChart",
    "Estimation",
    "GoldAnswer",
    "Judgment",
    "Label",
    "Output",
    "PauseProposal",
    "PauseProposalStep",
    "QualificationItem",
    "QualificationSet",
    "QualificationTry",
    "Relabel",
    "RelabelStep",
    "RelabelTask",
    "Review",
    "ReviewChance",
    "TypeFacts",
]
