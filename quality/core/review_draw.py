"""Whether a task's answer is reviewed: a draw that can be done again, at random or by certainty.

Luck is a keyed hash of what the draw is about: nobody can foresee it without the key, asked twice
it is the same, and with the key anybody can draw again.

Least certain first, one task at a time: the share ρ of tasks that are reviewed is split. A floor
ε = FLOOR·ρ is drawn among all tasks, whatever their certainty; the rest goes to the tasks whose
certainty is lowest among the last ones. Places are shares of the last tasks that were less
certain; where several are equally certain, luck decides among them. So every task has a chance
π ≥ ε that is known, and what reviews find can be weighed by 1/π (Horvitz and Thompson, JASA 47,
1952, doi:10.1080/01621459.1952.10483446) or thinned to a sample of equal chances (`thinned`).
"""

import hashlib
import hmac

import numpy as np

from quality.core.arguments import Floats, shares

FLOOR = 0.25
# With fewer tasks behind it a place among them says little: all have the chance ρ.
FEW = 20


def luck(key: bytes, *about: object) -> float:
    """Return a number in [0, 1) that hangs on the key and on what the draw is about only."""
    words = "\x1f".join(str(word) for word in about).encode()
    digest = hmac.new(key, words, hashlib.sha256).digest()
    return int.from_bytes(digest[:7], "big") / 2.0**56


def chance_of_review(certainty: float, last: Floats, share: float) -> float:
    """Return the chance π in [0, 1] at which a task is reviewed, least certain first.

    Parameters
    ----------
    certainty : in [0, 1], that the task's label is right
    last : (n,) certainties of the last tasks of the same arrangement, in [0, 1]
    share : ρ in [0, 1] of tasks to be reviewed

    Examples
    --------
    >>> chance_of_review(0.6, np.linspace(0.5, 1.0, 100), 0.4)
    1.0
    >>> chance_of_review(0.95, np.linspace(0.5, 1.0, 100), 0.4)
    0.1
    """
    p, rho = float(shares("certainty", certainty)), float(shares("share", share))
    past = shares("last", last)
    if rho in (0.0, 1.0) or len(past) < FEW:
        return rho
    floor = FLOOR * rho
    cut = (rho - floor) / (1.0 - floor)
    below = int((past < p).sum())
    # The task itself stands among its equals.
    alike = int((past == p).sum()) + 1
    total = len(past) + 1
    low = float(np.clip((cut - below / total) / (alike / total), 0.0, 1.0))
    return floor + (1.0 - floor) * low


def thinned(key: bytes, probability: float, least: float, *about: object) -> bool:
    """Tell whether a unit drawn with `probability` stays in a sample of equal chances `least`.

    Kept with least / probability, so that every unit of the lot was in with the chance `least`.
    """
    p, c = float(shares("probability", probability)), float(shares("least", least))
    if p <= 0 or c > p:
        raise ValueError(f"least must not exceed probability = {p}, got {c}")
    return luck(key, "thinned", *about) * p < c
