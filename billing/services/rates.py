"""Rate cards and their lines."""

from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.permissions import require
from audit.services.events import record_event
from billing.choices import TOKEN_UNITS
from billing.models import RateCard, RateLine
from common.errors import Conflict, Invalid
from common.money import to_micro
from routing.models import TaskType
from vendors.models import Contract
from workforce.models import Pool


@transaction.atomic
def create_card(
    *,
    name: str,
    pool: Pool,
    currency: str,
    contract: Contract | None = None,
    time_zone: str = "UTC",
    rework_billable: bool = False,
    acting_user: User,
    now: datetime,
) -> RateCard:
    """Make a pool's rate card.

    Raises
    ------
    Invalid
        If the currency is not the pool's or the contract's, or the contract another vendor's.
    Conflict
        If the pool has a card.
    """
    require(acting_user, "rates.manage")
    if currency != pool.currency:
        raise Invalid(
            _("%(pool)s is priced in %(currency)s.")
            % {"pool": pool.name, "currency": pool.currency},
            field="currency",
            rule="pool_currency",
        )
    if contract is not None and contract.vendor_id != pool.vendor_id:
        raise Invalid(_("The contract is another vendor's."), field="contract", rule="own_contract")
    if contract is not None and contract.currency != currency:
        raise Invalid(
            _("The contract is in %(currency)s.") % {"currency": contract.currency},
            field="currency",
            rule="contract_currency",
        )
    try:
        with transaction.atomic():
            card = RateCard.objects.create(
                name=name,
                pool=pool,
                contract=contract,
                currency=currency,
                time_zone=time_zone,
                rework_billable=rework_billable,
            )
    except IntegrityError as error:
        raise Conflict(_("The pool has a rate card already; add lines to it.")) from error
    _record("rates.card_made", card, acting_user, now)
    return card


@transaction.atomic
def add_line(
    card: RateCard,
    *,
    activity: str,
    unit: str,
    unit_price: Decimal | str,
    valid_from: date,
    valid_to: date | None = None,
    task_type: TaskType | None = None,
    output_price: Decimal | str | None = None,
    acting_user: User,
    now: datetime,
) -> RateLine:
    """Add a price; one that overlaps another of its kind is refused.

    `output_price` is that of the tokens a model writes, where the unit is tokens; None = as read.

    Raises
    ------
    Invalid
        If a price is not a decimal ≥ 0, an output price stands beside another unit than tokens, the
        dates are out of order, or lines would overlap.
    """
    require(acting_user, "rates.manage")
    micro = _price("unit_price", unit_price)
    output = None if output_price is None else _price("output_price", output_price)
    if output is not None and unit not in TOKEN_UNITS:
        raise Invalid(
            _("Only tokens have a price of their own for output."),
            field="output_price",
            rule="tokens",
        )
    if valid_to is not None and valid_to <= valid_from:
        raise Invalid(
            _("A price comes into force before it ends."), field="valid_to", rule="dates_in_order"
        )
    try:
        with transaction.atomic():
            line = RateLine.objects.create(
                card=card,
                activity=activity,
                task_type=task_type,
                unit=unit,
                unit_price_micro=micro,
                output_price_micro=output,
                valid_from=valid_from,
                valid_to=valid_to,
            )
    except IntegrityError as error:
        raise Invalid(
            _("Another line for this activity and task type is in force in this time."),
            field="valid_from",
            rule="no_overlap",
        ) from error
    _next_version(card)
    _record("rates.line_added", card, acting_user, now)
    return line


def _price(field: str, amount: Decimal | str) -> int:
    try:
        micro = to_micro(amount)
    except ValueError as error:
        raise Invalid(str(error), field=field, rule="decimal") from error
    if micro < 0:
        raise Invalid(_("A unit price is not negative."), field=field, rule="not_negative")
    return micro


@transaction.atomic
def end_line(line: RateLine, *, valid_to: date, acting_user: User, now: datetime) -> RateLine:
    """End a price before a day; its past stays.

    Raises
    ------
    Invalid
        If the day is not after the line's first.
    """
    require(acting_user, "rates.manage")
    if valid_to <= line.valid_from:
        raise Invalid(
            _("The line ends after its first day."), field="valid_to", rule="dates_in_order"
        )
    line.valid_to = valid_to
    line.save(update_fields=["valid_to"])
    _next_version(line.card)
    _record("rates.line_ended", line.card, acting_user, now)
    return line


def _next_version(card: RateCard) -> None:
    RateCard.objects.filter(pk=card.pk).update(version=F("version") + 1)
    card.refresh_from_db(fields=["version"])


def _record(kind: str, card: RateCard, acting_user: User, now: datetime) -> None:
    record_event(
        kind,
        acting_user=acting_user,
        now=now,
        subject="rate_card",
        subject_id=card.public_id,
        version=card.version,
    )
