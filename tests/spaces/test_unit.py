"""Values in the unit interval and back."""

import pytest
from hpo.spaces.parameter import Choice, Float, Int, Parameter
from hpo.spaces.unit import from_unit, to_unit
from hypothesis import given
from hypothesis import strategies as st

PARAMETERS: list[Parameter] = [
    Float("f", -1.0, 3.0), Float("log", 1e-6, 10.0, log=True), Float("s", 0.1, 1.0, step=0.3), Float("one", 0.3, 0.3),
    Int("i", -2, 9), Int("step", 0, 12, step=4), Int("log", 1, 1000, log=True), Int("one", 4, 4),
    Choice("c", ("a", None, True, 1)),
]  # fmt: skip


@pytest.mark.parametrize("parameter", PARAMETERS)
@given(place=st.floats(0, 1))
def test_every_place_is_a_value_which_leads_back_to_it(parameter: Parameter, place: float) -> None:
    value = from_unit(parameter, place)
    assert parameter.contains(value)
    back = to_unit(parameter, value)
    assert 0 <= back <= 1
    again = from_unit(parameter, back)
    assert again == (pytest.approx(value) if isinstance(value, float) else value)
    if parameter.size() == float("inf"):
        assert back == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(
    ("parameter", "place", "value"),
    [
        (PARAMETERS[0], 0.5, 1.0),
        (Float("log", 1e-4, 1.0, log=True), 0.5, 1e-2),
        (PARAMETERS[2], 0.99, 1.0),
        (PARAMETERS[4], 0.0, -2),
        (PARAMETERS[6], 0.0, 1),
        (PARAMETERS[6], 1.0, 1000),
        (PARAMETERS[8], 0.6, True),
    ],
)
def test_places_by_hand(parameter: Parameter, place: float, value: object) -> None:
    assert from_unit(parameter, place) == pytest.approx(value)
