"""Making the configuration of a trial, or reading a saved one."""

from collections.abc import Mapping

from pydantic import ValidationError

from ...errors import SpaceError, StudyError
from ...spaces.invalid import first_complaint
from ...spaces.parameter import Scalar
from ...spaces.space import SearchSpace
from ...training.config import TrialConfig
from ...training.saved_config import read_saved


def configure(space: SearchSpace, params: Mapping[str, Scalar]) -> TrialConfig:
    """Make the configuration of `params` and the fixed values of `space`.

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
        # Pydantic's own message names its classes, which a user does not know
        raise SpaceError(f"{space.name}: {'.'.join(keys)}: {law}") from None


def read_config(text: str) -> TrialConfig:
    """Read the configuration that was saved as `text`.

    Raises:
        StudyError: another version of hpo saved it, in a form that this one does not know.
    """
    try:
        return read_saved(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, first["loc"]))  # empty where the text is no JSON
        raise StudyError(": ".join(filter(None, ("saved by another version", key, first["msg"])))) from error
