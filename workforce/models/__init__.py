"""People and models that label, what they can do, and when."""

from workforce.models.availability import DeclaredCapacity, Leave, PublicHoliday, Shift
from workforce.models.people import (
    Annotator,
    AnnotatorTransition,
    ExternalId,
    Person,
    Pool,
    PoolPart,
)
from workforce.models.proficiency import Proficiency
from workforce.models.proof import AnnotatorSkill, Certification, CertificationType, Skill

__all__ = [
    "Annotator",
    "AnnotatorSkill",
    "AnnotatorTransition",
    "Certification",
    "CertificationType",
    "DeclaredCapacity",
    "ExternalId",
    "Leave",
    "Person",
    "Pool",
    "PoolPart",
    "Proficiency",
    "PublicHoliday",
    "Shift",
    "Skill",
]
