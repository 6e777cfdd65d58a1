"""The prices that routing reads through its seam, from the rate lines in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from billing.choices import RateUnit
from billing.models import RateLine
from common.time import local_date
from routing.models import TaskType
from routing.seams import Price

SECONDS_A_MINUTE = 60.0


class CardPrices:
    """Prices from rate cards: the line of the task type, else the line for all types."""

    name = "billing.rate-cards"
    version = "1"

    def prices(
        self, *, pool_ids: Sequence[int], task_type_ids: Sequence[int], at: datetime
    ) -> Mapping[tuple[int, str, int], Price]:
        """Return the price of each (pool, activity, task type) that has one.

        Two queries. A line whose unit is not the type's quantity unit does not price that type.
        """
        units = dict(
            TaskType.objects.filter(pk__in=task_type_ids).values_list("pk", "quantity_unit")
        )
        lines = RateLine.objects.filter(card__pool_id__in=pool_ids).select_related("card")
        lines = lines.filter(Q(task_type__isnull=True) | Q(task_type_id__in=task_type_ids))
        found: dict[tuple[int, str, int], Price] = {}
        # Lines for all types first, so that those of a type replace them.
        for line in sorted(lines, key=lambda line: (line.task_type_id is not None, line.pk)):
            day = local_date(at, line.card.time_zone)
            if day < line.valid_from or (line.valid_to is not None and day >= line.valid_to):
                continue
            types = units if line.task_type_id is None else {line.task_type_id: ""}
            for task_type_id in types:
                price = price_of(line, units[task_type_id])
                if price is not None:
                    found[line.card.pool_id, line.activity, task_type_id] = price
        return found


def price_of(line: RateLine, quantity_unit: str) -> Price | None:
    """Return what one answer costs by a line, for a type of that quantity unit; None = not priced.

    A price by the minute of media prices a type counted in seconds at a sixtieth.
    """
    amount = line.unit_price_micro / 1e6
    per_item = amount if line.unit == RateUnit.ITEM else 0.0
    per_hour = amount if line.unit == RateUnit.HOUR else 0.0
    per_unit = 0.0
    if line.unit not in (RateUnit.ITEM, RateUnit.HOUR):
        if line.unit == quantity_unit:
            per_unit = amount
        elif line.unit == RateUnit.MINUTE and quantity_unit == RateUnit.SECOND:
            per_unit = amount / SECONDS_A_MINUTE
        else:
            return None
    return Price(
        per_item=per_item,
        per_unit=per_unit,
        per_hour=per_hour,
        currency=line.card.currency,
        version=f"{line.card.public_id} v{line.card.version}",
        rework_billable=line.card.rework_billable,
    )
