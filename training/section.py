"""The base of every part of a configuration, and marks for spaces.

No torch.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]

# Marks for the space language: FIXED fields decide which data is used or what is compared, so that no trial may differ
# in them; a relative PATH is meant from the file that says it.
FIXED: dict[str, Any] = {"fixed": True}
PATH: dict[str, Any] = {"path": True}
# A section that may be given as a list, whose first element is the section and whose others are its field `also`.
LISTED: dict[str, Any] = {"listed": "also"}
FIXED_PATH: dict[str, Any] = {"fixed": True, "path": True}


def only_with(**others: Any) -> dict[str, Any]:
    """Return the mark of a field that needs values of others.

    It is without effect unless one of them has this value; None stands for any value but the other field's default.
    """
    return {"needs": others}


class Section(BaseModel):
    """A part of the configuration: frozen and strict.

    No unknown keys, no silent conversion of types.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
