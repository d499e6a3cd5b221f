"""The options of `hpo models`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag


@dataclass(frozen=True, slots=True)
class ModelsOptions:
    """The flags of `hpo models`."""

    name_filter: Annotated[
        str | None,
        Flag(
            "Part of a name, a pattern with *, or path/to/file.py:Name. Default: hpo's own models.",
            complete="models",
            positional=True,
        ),
    ] = None
    image_size: Annotated[int, Flag("Side of the images in pixels.", low=4, high=4096)] = 224
    channels: Annotated[int, Flag("1 for grey images, 3 for colour.", low=1, high=64)] = 3
    classes: Annotated[int, Flag("Width of the last layer.", low=2)] = 1000
