"""Configurations that were saved, read as the version that saved them meant them.

A field that is added later has a default for new configurations; an older one may have meant another value, the only
one that there was. No torch.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter

from .config import TrialConfig


def with_former_meaning(tree: Any) -> Any:
    """Return the saved `tree` with the values that went without saying."""
    match tree:
        case {"objective": {**objective}}:  # before `at` there was nothing but the best epoch
            return {**tree, "objective": {"at": "best", **objective}}
        case _:
            return tree


SavedConfig = Annotated[TrialConfig, BeforeValidator(with_former_meaning)]

_SAVED: TypeAdapter[TrialConfig] = TypeAdapter(SavedConfig)


def read_saved(text: str | bytes) -> TrialConfig:
    """Read a saved configuration.

    Raises:
        ValidationError: it is none, or has a form that this version does not know.
    """
    return _SAVED.validate_json(text)
