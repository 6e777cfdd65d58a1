"""The prices that routing reads through its seam, from the rate lines in force."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db.models import Q

from billing.choices import TOKEN_UNITS, RateUnit
from billing.models import RateLine
from common.time import local_date
from routing.models import TaskType
from routing.seams import Price
from workforce.choices import PoolKind

SECONDS_A_MINUTE = 60.0
A_MILLION = 1e6


class CardPrices:
    """Prices from rate cards: the line of the task type, else the line for all types."""

    name = "billing.rate-cards"
    version = "2"

    def prices(
        self, *, pool_ids: Sequence[int], task_type_ids: Sequence[int], at: datetime
    ) -> Mapping[tuple[int, str, int], Price]:
        """Return the price of each (pool, activity, task type) that has one.

        Two queries. A line whose unit the type is not counted in does not price that type.
        """
        types = TaskType.objects.in_bulk(list(task_type_ids))
        lines = RateLine.objects.filter(card__pool_id__in=pool_ids).select_related("card__pool")
        lines = lines.filter(Q(task_type__isnull=True) | Q(task_type_id__in=task_type_ids))
        found: dict[tuple[int, str, int], Price] = {}
        # Lines for all types first, so that those of a type replace them.
        for line in sorted(lines, key=lambda line: (line.task_type_id is not None, line.pk)):
            day = local_date(at, line.card.time_zone)
            if day < line.valid_from or (line.valid_to is not None and day >= line.valid_to):
                continue
            wanted = types if line.task_type_id is None else [line.task_type_id]
            for task_type_id in wanted:
                price = price_of(line, types[task_type_id])
                if price is not None:
                    found[line.card.pool_id, line.activity, task_type_id] = price
        return found


def price_of(line: RateLine, task_type: TaskType) -> Price | None:
    """Return what one answer costs by a line, for a task type; None = the line does not price it.

    A price by the minute of media prices a type counted in seconds at a sixtieth. A price by the
    token prices a model's answers by the tokens that the type expects (see `token_price`), and
    people's work where the type is counted in tokens.
    """
    amount = line.unit_price_micro / 1e6
    by_model = line.card.pool.kind == PoolKind.MODEL
    per_item = per_unit = per_hour = 0.0
    if line.unit == RateUnit.ITEM:
        per_item, words = amount, f"{amount:,.6g} an item"
    elif line.unit == RateUnit.HOUR:
        per_hour, words = amount, f"{amount:,.6g} an hour of work"
    elif line.unit in TOKEN_UNITS and by_model:
        tokens = token_price(line, task_type)
        if tokens is None:
            return None
        per_item, per_unit, words = tokens
    elif line.unit == task_type.quantity_unit:
        per_unit, words = amount, f"{amount:,.6g} a {task_type.quantity_unit}"
    elif line.unit == RateUnit.MTOKEN and task_type.quantity_unit == RateUnit.TOKEN:
        per_unit, words = amount / A_MILLION, f"{amount:,.6g} a million tokens"
    elif line.unit == RateUnit.MINUTE and task_type.quantity_unit == RateUnit.SECOND:
        per_unit, words = amount / SECONDS_A_MINUTE, f"{amount:,.6g} a minute of media"
    else:
        return None
    return Price(
        per_item=per_item,
        per_unit=per_unit,
        per_hour=per_hour,
        currency=line.card.currency,
        version=f"{line.card.public_id} v{line.card.version}",
        rework_billable=line.card.rework_billable,
        words=words,
    )


def token_price(line: RateLine, task_type: TaskType) -> tuple[float, float, str] | None:
    """Return (per item, per unit, in words) of a model's answer; None where no tokens are known.

    Tokens read are those of an item (prompt, guideline, image) and of each quantity unit, tokens
    written those of an answer and of each unit; a type counted in tokens reads one per unit.
    """
    share = A_MILLION if line.unit == RateUnit.MTOKEN else 1.0
    read = line.unit_price_micro / 1e6 / share
    output = line.output_price_micro
    written = read if output is None else output / 1e6 / share
    in_unit = task_type.tokens_in_unit
    if not in_unit and task_type.quantity_unit == RateUnit.TOKEN:
        in_unit = 1.0
    if not (task_type.tokens_in_item or in_unit):
        return None
    per_item = task_type.tokens_in_item * read + task_type.tokens_out_item * written
    per_unit = in_unit * read + task_type.tokens_out_unit * written
    words = (
        f"reads {_tokens(task_type.tokens_in_item, in_unit)} tokens at "
        f"{read * A_MILLION:,.6g} a million, writes "
        f"{_tokens(task_type.tokens_out_item, task_type.tokens_out_unit)} at "
        f"{written * A_MILLION:,.6g}"
    )
    return per_item, per_unit, words


def _tokens(item: float, unit: float) -> str:
    parts = [f"{item:,.6g}"] if item or not unit else []
    return " + ".join([*parts, *([f"{unit:,.6g} × size"] if unit else [])])
