"""Numbers as text beside their limits, rounded so that comparisons stay true."""

from decimal import Decimal
from math import isfinite

# significant digits that tell any two doubles apart
_MOST_DIGITS = 17


def beside(value: float, limit: float, form: str) -> tuple[str, str]:
    """Format `value` and `limit` with digits enough to order them.

    The limit keeps `form` where that says it exactly.

    Args:
        value: any number; NaN and infinity are written as they are.
        limit: what it is compared with.
        form: a precision and a kind, such as ".0%", ".2f", ".1e", ".3g".

    >>> beside(0.302, 0.30, ".0%")
    ('30.2%', '30%')
    >>> beside(0.31, 0.30, ".0%")
    ('31%', '30%')
    """
    digits, kind = int(form[1:-1]), form[-1]
    brief = format(limit, form)
    while digits < _MOST_DIGITS:
        written, bound = format(value, f".{digits}{kind}"), format(limit, f".{digits}{kind}")
        if _is_exact(brief, limit):
            bound = brief
        if not (isfinite(value) and isfinite(limit)) or _order(_number(written), _number(bound)) == _order(
            value, limit
        ):
            return written, bound
        digits += 1
    return repr(value), repr(limit)


def _is_exact(text: str, value: float) -> bool:
    return isfinite(value) and float(_number(text)) == value


def _number(text: str) -> Decimal:
    return Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def _order(left: float | Decimal, right: float | Decimal) -> int:
    return (left > right) - (left < right)
