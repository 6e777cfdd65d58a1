"""The event log is read by the house only: it tells who did what everywhere."""

from audit.models import Event, EventNote, Seal, SealedEvent
from common.access import HOUSE_ONLY

ACCESS = {Event: HOUSE_ONLY, EventNote: HOUSE_ONLY, Seal: HOUSE_ONLY, SealedEvent: HOUSE_ONLY}
