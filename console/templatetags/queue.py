"""Words of the annotators' pages: shares and lengths of time."""

import math
from typing import Any

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext as _

register = template.Library()


@register.filter
def percent(share: Any) -> str:
    """Show a share in whole percents.

    Examples
    --------
    >>> percent(0.815)
    '82 %'
    """
    # Half up, and not from what a float makes of .815.
    return _("%(number)s %%") % {"number": number_format(math.floor(round(share * 100, 6) + 0.5))}


@register.filter
def spell(seconds: Any) -> str:
    """Show seconds as people read them: 45 s, 3:05 min, 2:07 h; empty for None.

    Examples
    --------
    >>> spell(44.6), spell(185), spell(7620)
    ('45 s', '3:05 min', '2:07 h')
    """
    if seconds is None:
        return ""
    whole = math.floor(float(seconds) + 0.5)
    if whole < 60:
        return _("%(seconds)s s") % {"seconds": whole}
    if whole < 3600:
        return _("%(minutes)s:%(seconds)02d min") % {"minutes": whole // 60, "seconds": whole % 60}
    minutes = (whole + 30) // 60
    return _("%(hours)s:%(minutes)02d h") % {"hours": minutes // 60, "minutes": minutes % 60}


@register.filter
def bar(share: Any, what: str) -> str:
    """Return where the bar of an interval begins, how wide it is, or where its middle stands.

    In hundredths of the whole, with a point in every language: a number of the drawing.
    """
    place = {
        "from": share.lower,
        "width": max(share.upper - share.lower, 0.005),
        "at": min(share.middle, 0.99),
    }
    return f"{place[what] * 100:.1f}"
