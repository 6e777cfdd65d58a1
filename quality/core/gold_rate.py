"""How many of somebody's tasks are gold: the more, the less is known of their rate.

Linear in the width of the rate's central 90 % interval, between a floor that keeps watch over those
who are known well and a ceiling that leaves most of the work to be work. A width of .1 is some 100
answers behind a rate of .9, one of .4 is a handful.
"""

from quality.core.arguments import shares

LEAST, MOST = 0.02, 0.20
NARROW, WIDE = 0.05, 0.40
UNKNOWN = 1.0  # width where there is no estimate


def gold_rate(lower: float | None, upper: float | None) -> float:
    """Return the share of gold, LEAST to MOST, for a rate's interval; None = nothing is known.

    Examples
    --------
    >>> gold_rate(0.93, 0.96), gold_rate(None, None), round(gold_rate(0.7, 0.925), 3)
    (0.02, 0.2, 0.11)
    """
    width = UNKNOWN
    if lower is not None and upper is not None:
        low, high = float(shares("lower", lower)), float(shares("upper", upper))
        if low > high:
            raise ValueError(f"lower must not exceed upper = {high}, got {low}")
        width = high - low
    part = min(max((width - NARROW) / (WIDE - NARROW), 0.0), 1.0)
    return LEAST + (MOST - LEAST) * part
