"""Booked money: whole micro-units of a currency, Decimal at the edges, never float.

One micro-unit is a millionth of the currency's major unit (a millionth of a euro, of a yen), so
unit prices with six decimals are exact.
"""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from moneyed import CURRENCIES

MICRO = 1_000_000
# Minor units of ISO 4217. Locale data (CLDR, Babel) differ from ISO for a dozen currencies, so the
# exceptions stand here; every other currency has two.
EXPONENTS = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
# The largest amount that a signed 64-bit column holds, with room for sums.
MAX_MICRO = 10**18


def is_currency(code: str) -> bool:
    """Tell whether the code is an ISO 4217 currency."""
    return code in CURRENCIES


def exponent(currency: str) -> int:
    """Return the number of decimals of the currency's minor unit (0, 2, 3 or 4).

    Raises
    ------
    ValueError
        If the code is no currency.
    """
    if not is_currency(currency):
        raise ValueError(f"{currency!r} is not an ISO 4217 currency")
    return EXPONENTS.get(currency, 2)


def to_micro(amount: Decimal | str | int) -> int:
    """Turn a major amount into micro-units, half up; floats are refused.

    Raises
    ------
    ValueError
        If the amount is a float, no number, not finite, or too large.
    """
    if isinstance(amount, (float, bool)):
        raise ValueError("booked money is never a float")
    try:
        value = Decimal(amount)
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not a number") from error
    if not value.is_finite():
        raise ValueError(f"{amount!r} is not finite")
    micro = int((value * MICRO).to_integral_value(rounding=ROUND_HALF_UP))
    if abs(micro) > MAX_MICRO:
        raise ValueError(f"{amount!r} is too large")
    return micro


def from_micro(micro: int) -> Decimal:
    """Turn micro-units into a major amount, exactly, with six decimals."""
    return Decimal(micro).scaleb(-6)


def round_to_minor(micro: int, currency: str) -> int:
    """Round micro-units half up (away from zero) to whole minor units of the currency."""
    step = 10 ** (6 - exponent(currency))
    quotient, rest = divmod(abs(micro), step)
    rounded = (quotient + (1 if 2 * rest >= step else 0)) * step
    return int(rounded if micro >= 0 else -rounded)


def display(micro: int, currency: str) -> str:
    """Show an amount with its currency: 1234500000, EUR -> '1,234.50 EUR'."""
    places = exponent(currency)
    value = from_micro(round_to_minor(micro, currency))
    return f"{value:,.{places}f} {currency}"
