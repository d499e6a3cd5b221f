"""Values for the dimensions that a trial has not, since it is in other branches."""

import random

from ....spaces.parameter import Parameter, Scalar
from ....spaces.unit import from_unit


def middle(parameter: Parameter, number: int) -> Scalar:
    """The prior, or else the middle: the same for every trial, so that a model sees nothing change there."""
    return parameter.prior if parameter.has_prior else from_unit(parameter, 0.5)


def drawn(parameter: Parameter, number: int) -> Scalar:
    """A draw that is the same each time for trial `number`: genes that are silent until a child takes that branch."""
    return from_unit(parameter, random.Random(f"{parameter.key} {number}").random())
