"""Share caps over single tasks: how many of a vendor's must go when others have lost theirs.

A vendor's cap is a share of all outside work (used in the contract's window and placed), up to one
task. The plan keeps it; tasks that single effort sends to wait make the outside work smaller.
"""

from dataclasses import dataclass

import numpy as np

from routing.core.rows import Rows
from routing.core.tables import OUTSOURCED, Floats, Inputs, Ints

HAIR = 1e-9


@dataclass(frozen=True)
class Shares:
    """Share caps in force: n_v ≤ cap_v · Σ n + allowance_v, for vendors (V,) with cap_v < 1.

    vendor : (C,) the vendor for whom a crew labels, −1 = none
    allowance : tasks; what the window's use leaves, and the one task
    """

    vendor: Ints
    cap: Floats
    allowance: Floats

    def fits(self, held: Ints, vendor: int) -> bool:
        """Tell whether a vendor may take one task more beside those held (V,)."""
        if vendor < 0 or self.cap[vendor] >= 1.0:
            return True
        room = self.cap[vendor] * (held.sum() + 1) + self.allowance[vendor]
        return bool(held[vendor] + 1 <= room * (1 + HAIR) + HAIR)

    def kept(self, held: Ints) -> Ints:
        """Return how many tasks each vendor may keep of those held (V,)."""
        held = held.copy()
        free = 1.0 - self.cap
        while True:
            room = self.cap * held.sum() + self.allowance
            excess = np.where(free > 0, held - room * (1 + HAIR) - HAIR, -np.inf)
            v = int(np.argmax(excess)) if len(excess) else -1
            if v < 0 or excess[v] <= 0:
                return held
            # A task less is one less of all outside work as well.
            held[v] -= min(max(int(np.ceil(excess[v] / free[v] - HAIR)), 1), int(held[v]))


def shares_of(inputs: Inputs, rows: Rows) -> Shares | None:
    """Return the share caps that the plan kept, None where it kept none."""
    if not rows.outside.any():
        return None
    pools, vendors = inputs.pools, inputs.vendors
    vendor_of = np.where(pools.kind == OUTSOURCED, pools.vendor, -1)[inputs.crews.pool]
    # One row per vendor, in their order (routing.core.decide).
    some = [rows.amounts[int(r)].nnz > 0 for r in np.flatnonzero(rows.outside)]
    cap = vendors.share_cap
    allowance = cap * vendors.used.sum() - vendors.used + np.array(some, dtype=np.float64)
    return Shares(vendor_of.astype(np.int64), cap, np.maximum(allowance, 0.0))
