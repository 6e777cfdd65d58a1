"""By which path answers belong to an organisation."""

from uuid import UUID

from accounts.access import access
from accounts.models import User
from common.access import HOUSE_ONLY, Path
from quality.models import (
    Adjudication,
    Agreement,
    AgreementFigure,
    AgreementLabel,
    AgreementPair,
    Alarm,
    AlarmStep,
    AuditItem,
    AuditLot,
    BiasReport,
    BiasSegment,
    DriftChart,
    Estimation,
    GoldAnswer,
    Judgment,
    Label,
    Output,
    PauseProposal,
    PauseProposalStep,
    QualificationItem,
    QualificationSet,
    QualificationTry,
    Relabel,
    RelabelStep,
    RelabelTask,
    Review,
    ReviewChance,
    TypeFacts,
)

ACCESS = {
    Judgment: Path("annotator__organisation_id", own="annotator__user_id"),
    # Nobody who is measured can tell gold from work, nor what is made of it.
    GoldAnswer: HOUSE_ONLY,
    Estimation: HOUSE_ONLY,
    # What was accepted by the minute would tell who is reviewed; people read their own in sums.
    Output: HOUSE_ONLY,
    TypeFacts: HOUSE_ONLY,
    # Per task they would tell gold from work and who checks whom: sums only, by reports.
    Review: HOUSE_ONLY,
    Adjudication: HOUSE_ONLY,
    Label: HOUSE_ONLY,
    # What the house watches for, from gold and reviews of single people.
    Alarm: HOUSE_ONLY,
    AlarmStep: HOUSE_ONLY,
    ReviewChance: HOUSE_ONLY,
    AuditLot: HOUSE_ONLY,
    AuditItem: HOUSE_ONLY,
    # What a set asks is known to who makes it; that and how somebody tried it is told to both.
    QualificationSet: HOUSE_ONLY,
    QualificationItem: HOUSE_ONLY,
    QualificationTry: Path("annotator__organisation_id", own="annotator__user_id"),
    # Counts of gold by the minute; who is paused reads `services.pause_notices`.
    PauseProposal: HOUSE_ONLY,
    DriftChart: HOUSE_ONLY,
    Relabel: HOUSE_ONLY,
    RelabelStep: HOUSE_ONLY,
    RelabelTask: HOUSE_ONLY,
    BiasReport: HOUSE_ONLY,
    BiasSegment: HOUSE_ONLY,
    # Names the people of two vendors side by side.
    Agreement: HOUSE_ONLY,
    AgreementFigure: HOUSE_ONLY,
    AgreementPair: HOUSE_ONLY,
    AgreementLabel: HOUSE_ONLY,
    PauseProposalStep: HOUSE_ONLY,
}


def access_judgment(user: User, public_id: UUID | str) -> Judgment:
    """Return a judgment that the user may see, or raise NotFound."""
    return access(Judgment.objects.all(), user, public_id)
