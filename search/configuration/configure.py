"""The configuration of a trial: made from a space and its parameters, or read as it was saved."""

from collections.abc import Mapping

from pydantic import ValidationError

from ...errors import SpaceError, StudyError
from ...spaces.invalid import first_complaint
from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...training.config import TrialConfig


def configure(space: SearchSpace, params: Mapping[str, Scalar]) -> TrialConfig:
    """The configuration that `params` and the fixed values of `space` make.

    Args:
        space: the search space.
        params: a value for each dimension that exists in the branches which they choose, by dotted key.

    Raises:
        SpaceError: `params` has too few or unknown keys, or the configuration is not valid.
    """
    tree = space.tree(params)
    try:
        return TrialConfig.model_validate(tree)
    except ValidationError as error:
        keys, law = first_complaint(error, tree)
        raise SpaceError(f"{space.name}: {'.'.join(keys)}: {law}") from None


def read_config(text: str) -> TrialConfig:
    """The configuration that was saved as `text`.

    Raises:
        StudyError: another version of hpo saved it, in a form that this one does not know.
    """
    try:
        return TrialConfig.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise StudyError(": ".join(filter(None, ("saved by another version", place, first["msg"])))) from error
