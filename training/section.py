"""What every part of a configuration is made of: a frozen model, and the marks of the space language. No torch."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0, lt=1)]

# Marks for the space language: FIXED fields decide which data is used or what is compared, so that no trial may differ
# in them; a relative PATH is meant from the file that says it.
FIXED: dict[str, Any] = {"fixed": True}
PATH: dict[str, Any] = {"path": True}
FIXED_PATH: dict[str, Any] = {"fixed": True, "path": True}


def only_with(**others: Any) -> dict[str, Any]:
    """Mark of a field without effect unless one of the `others` has this value; None: any but its default."""
    return {"needs": others}


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
