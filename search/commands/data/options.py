"""The options of `hpo data`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import DataRootField, Flag, StrictField


@dataclass(frozen=True, slots=True)
class DataOptions:
    """The flags of `hpo data`."""

    source: Annotated[str, Flag("A data set by name, a folder of images, or a CSV file of labels.", positional=True)]
    html: Annotated[Path | None, Flag("Write a page with pictures to this file.")] = None
    save_split: Annotated[Path | None, Flag("Write the split to this CSV file, for data.split_file.")] = None
    image_size: Annotated[int | None, Flag("Short for --set data.image_size=N.")] = None
    # no other section means anything where nothing is trained
    overrides: Annotated[Sequence[str], Flag("As in hpo run. Repeatable.", name="--set", metavar="data.KEY=VALUE")] = ()
    strict: StrictField = False
    data_root: DataRootField = None
