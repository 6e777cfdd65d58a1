"""When inspection is tightened, relaxed again, or stopped (ISO 2859-1, 9.3).

normal → tightened: two of five or fewer lots in a row rejected. tightened → normal: five in a row
accepted. tightened → stopped: five rejected since it was tightened. A person who has seen what was
done about the cause takes it up again, tightened. Only first submissions count.
"""

from dataclasses import dataclass, replace

NORMAL, TIGHTENED, STOPPED = "normal", "tightened", "stopped"
WINDOW = 5
REJECTED_OF_WINDOW = 2
ACCEPTED_IN_A_ROW = 5
REJECTED_ON_TIGHTENED = 5


@dataclass(frozen=True)
class Severity:
    """How a stream of lots is inspected now.

    recent : outcomes (True = accepted) of up to the last four lots under normal inspection
    accepted_in_row, rejected : counts since inspection was tightened
    """

    stage: str = NORMAL
    recent: tuple[bool, ...] = ()
    accepted_in_row: int = 0
    rejected: int = 0


def after_lot(now: Severity, *, accepted: bool, resubmitted: bool = False) -> Severity:
    """Return how the next lot is inspected.

    Raises
    ------
    ValueError
        If inspection has been stopped: `resume` first.
    """
    if now.stage == STOPPED:
        raise ValueError("now must not be stopped: inspection has to be resumed by a person")
    if resubmitted:
        return now
    if now.stage == NORMAL:
        recent = (*now.recent, accepted)[-WINDOW:]
        if recent.count(False) >= REJECTED_OF_WINDOW:
            return Severity(TIGHTENED)
        return replace(now, recent=recent[-(WINDOW - 1) :])
    in_row = now.accepted_in_row + 1 if accepted else 0
    rejected = now.rejected + (not accepted)
    if in_row >= ACCEPTED_IN_A_ROW:
        return Severity()
    stage = STOPPED if rejected >= REJECTED_ON_TIGHTENED else TIGHTENED
    return Severity(stage, (), in_row, rejected)


def resume(now: Severity) -> Severity:
    """Return tightened inspection with fresh counts.

    Raises
    ------
    ValueError
        If inspection has not been stopped.
    """
    if now.stage != STOPPED:
        raise ValueError(f"now must be stopped, got {now.stage}")
    return Severity(TIGHTENED)
