"""Single sampling plans of ISO 2859-1 (also ANSI/ASQ Z1.4, MIL-STD-105E), AQL .065 to 6.5 %.

Tables 2-A (normal) and 2-B (tightened) are one diagonal each: the acceptance number hangs on the
code letter's distance from the letter at which the AQL's plan with acceptance number 0 stands,
and one step of the AQL moves that letter by one. Cells under an arrow lead to the plan it points
to, sample size included. Checked cell by cell against the published tables of MIL-STD-105E.

Reduced inspection is left out: there ISO and MIL-STD differ in their acceptance numbers.
"""

from dataclasses import dataclass

LETTERS = "ABCDEFGHJKLMNPQR"
SIZES = (2, 3, 5, 8, 13, 20, 32, 50, 80, 125, 200, 315, 500, 800, 1250, 2000)
AQLS = (0.065, 0.1, 0.15, 0.25, 0.4, 0.65, 1.0, 1.5, 2.5, 4.0, 6.5)
LOTS = (8, 15, 25, 50, 90, 150, 280, 500, 1_200, 3_200, 10_000, 35_000, 150_000, 500_000)
LEVELS = {"I": "AABCCDEFGHJKLMN", "II": "ABCDEFGHJKLMNPQ", "III": "BCDEFGHJKLMNPQR"}
NORMAL, TIGHTENED = "normal", "tightened"
# Acceptance numbers from the letter of acceptance number 0 on; UP and DOWN are the arrows.
UP, DOWN = -1, -2
DIAGONALS = {
    NORMAL: (10, (0, UP, DOWN, 1, 2, 3, 5, 7, 10, 14, 21)),
    TIGHTENED: (11, (0, DOWN, DOWN, 1, 2, 3, 5, 8, 12, 18)),
}


@dataclass(frozen=True)
class Plan:
    """Draw `size` units; accept the lot with at most `accept` wrong ones, reject it from `reject`.

    letter : of the plan used, which an arrow may have moved away from the lot's own
    whole_lot : every unit is looked at, since the plan asks for as many as there are
    """

    letter: str
    size: int
    accept: int
    whole_lot: bool

    @property
    def reject(self) -> int:
        """Return the rejection number."""
        return self.accept + 1


def code_letter(lot: int, level: str = "II") -> str:
    """Return the code letter of a lot of `lot` ≥ 2 units at inspection level I, II or III."""
    if lot < 2:
        raise ValueError(f"lot must be at least 2, got {lot}")
    if level not in LEVELS:
        raise ValueError(f"level must be one of {', '.join(LEVELS)}, got {level!r}")
    return LEVELS[level][sum(lot > most for most in LOTS)]


def single_plan(lot: int, aql: float, *, level: str = "II", severity: str = NORMAL) -> Plan:
    """Return the standard's plan for a lot.

    Parameters
    ----------
    lot : ≥ 2 units
    aql : one of AQLS, percent of units wrong
    level : I, II or III
    severity : normal or tightened

    Raises
    ------
    ValueError
        If an argument is none of these.
    """
    if aql not in AQLS:
        raise ValueError(f"aql must be one of {', '.join(map(str, AQLS))}, got {aql}")
    if severity not in DIAGONALS:
        raise ValueError(f"severity must be normal or tightened, got {severity!r}")
    start, numbers = DIAGONALS[severity]
    zero = start - AQLS.index(aql)
    step = LETTERS.index(code_letter(lot, level)) - zero
    # Off the ends of the diagonal the arrows lead back to it.
    step = min(max(step, 0), len(numbers) - 1)
    while numbers[step] in (UP, DOWN):
        step += 1 if numbers[step] == DOWN else -1
    at = zero + step
    return Plan(LETTERS[at], min(SIZES[at], lot), numbers[step], whole_lot=SIZES[at] >= lot)
