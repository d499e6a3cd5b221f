"""No number is rounded across the limit beside it."""

import math
from decimal import Decimal

import pytest
from hpo.common.rounding import beside
from hypothesis import given
from hypothesis import strategies as st

FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64, min_value=-1e12, max_value=1e12)
FORMS = st.sampled_from([".0%", ".1%", ".2%", ".0f", ".2f", ".0e", ".2e", ".1g", ".3g"])


@pytest.mark.parametrize(
    ("value", "limit", "form", "texts"),
    [
        (0.31, 0.30, ".0%", ("31%", "30%")),
        (0.302, 0.30, ".0%", ("30.2%", "30%")),
        (0.29999, 0.30, ".0%", ("29.999%", "30%")),
        (0.30, 0.30, ".0%", ("30%", "30%")),
        (1.0004, 1, ".2f", ("1.0004", "1.00")),
        (1.2e-3, 1.18e-3, ".0e", ("1.20e-03", "1.18e-03")),
        (2.0e-3, 1.18e-3, ".0e", ("2e-03", "1e-03")),
        (0.99899, 0.999, ".1%", ("99.899%", "99.9%")),
        (math.nan, 0.5, ".1e", ("nan", "5.0e-01")),
        (math.inf, 0.5, ".1e", ("inf", "5.0e-01")),
    ],
)
def test_as_many_digits_as_the_comparison_needs(value: float, limit: float, form: str, texts: tuple[str, str]) -> None:
    assert beside(value, limit, form) == texts


def number(text: str) -> Decimal:
    """What is written, digit for digit: as doubles, two texts of seventeen digits may be one."""
    return Decimal(text.removesuffix("%"))


@given(limit=FINITE, value=FINITE, form=FORMS)
def test_what_is_shown_compares_as_what_is_meant(limit: float, value: float, form: str) -> None:
    written, bound = map(number, beside(value, limit, form))
    assert (written > bound, written < bound) == (value > limit, value < limit)


@given(limit=FINITE.filter(lambda x: x != 0), steps=st.integers(-3, 3), form=FORMS)
def test_neighbours_are_told_apart(limit: float, steps: int, form: str) -> None:
    value = limit
    for _ in range(abs(steps)):
        value = math.nextafter(value, math.inf if steps > 0 else -math.inf)
    written, bound = beside(value, limit, form)
    assert (number(written) > number(bound)) == (value > limit)
