"""What an audit's plan does: how often lots of each quality are accepted; and what it found."""

import numpy as np
import pandas as pd

from accounts.models import User
from accounts.permissions import require
from quality.core.sampling import accept_lot
from quality.models import AuditItem, AuditLot

VIEW = "audits.view"
CURVE = 60  # points of the picture
LEAST = 0.001  # the curve ends where lots are accepted more rarely
COLUMNS = ("task", "project", "risk", "probability", "label", "state", "outcome", "wrong")


def operating_characteristic(
    labels: int, size: int, accept: int, *, points: int = CURVE
) -> pd.DataFrame:
    """Return with which chance lots are accepted, from none wrong on.

    Parameters
    ----------
    labels : N of the lot; size : n drawn; accept : c

    Returns
    -------
    columns wrong (labels of the lot), share (of the lot, 0 to 1), accepted (chance, exact)
    """
    low, high = 0, labels
    # The fewest wrong ones that are nearly never accepted: the chance falls with them.
    while low < high:
        middle = (low + high) // 2
        if float(accept_lot(labels, middle, size, accept)) <= LEAST:
            high = middle
        else:
            low = middle + 1
    wrong = np.unique(np.linspace(0, low, points).round().astype(np.int64))
    return pd.DataFrame(
        {
            "wrong": wrong,
            "share": wrong / labels,
            "accepted": accept_lot(labels, wrong, size, accept),
        }
    )


def sample_of(lot: AuditLot, *, acting_user: User) -> pd.DataFrame:
    """Return the labels of a lot's sample with what their reviews found."""
    require(acting_user, VIEW)
    rows = AuditItem.objects.filter(lot=lot).order_by("pk")
    found = rows.values_list(
        "label__task__external_id",
        "label__task__project__key",
        "stratum",
        "probability",
        "label__value",
        "review__state",
        "review__outcome",
        "wrong",
    )
    return pd.DataFrame(list(found), columns=list(COLUMNS))
