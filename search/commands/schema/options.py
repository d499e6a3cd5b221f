"""The options of `hpo schema`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import Flag


@dataclass(frozen=True, slots=True)
class SchemaOptions:
    """The flags of `hpo schema`."""

    out: Annotated[Path | None, Flag("Write it to this file instead of standard output.")] = None
