"""What routing refuses, and why."""

from django.utils.translation import gettext_lazy as _

from common.errors import AppError, Conflict, Invalid


class RunBusy(Conflict):
    """Another run holds a pool that this one needs."""

    code = "run_busy"
    text = _("Pool {pool} is being routed by {who} since {since}; try again when that run is done.")


class CurrencyMixed(Invalid):
    """Pools or projects of one run are priced in different currencies."""

    code = "currency_mixed"


class NothingPublished(Invalid):
    """A project has no published policy."""

    code = "policy_missing"


class RunFailed(AppError):
    """A run stopped before it was done; the old placements are still in force."""

    code = "run_failed"
    status = 500
    text = _("The run failed: {reason}. The placements before it are still in force.")


class InUse(Conflict):
    """A record that others stand on cannot be taken away."""

    code = "in_use"
    text = _("{what} is in use.")
