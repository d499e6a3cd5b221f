"""The options of `hpo evaluate`, validated on construction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....errors import SpaceError
from ..fields import (
    DataRootField,
    DeviceField,
    Flag,
    HomeField,
    ModelField,
    StorageField,
    StrictField,
    TrackingField,
    TrustField,
)
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Everything `hpo.evaluate` takes; the flags of `hpo evaluate` in the same words.

    `model` is a folder or a study. `data` is new labelled data, all of it; `overrides` say how a CSV file is meant
    ("data.label_column=kind"). Else `split` of the model's own data is taken, None meaning test for an export and val
    for a run of `hpo train`. `trust` runs what is not on record, see docs/security.md.
    """

    model: ModelField
    data: Annotated[str | None, Flag("New labelled images, all of them: a folder, CSV file or name.")] = None
    overrides: Annotated[
        Sequence[str],
        Flag(
            "path_column, label_column, images or encoding of a CSV file. Repeatable.",
            name="--set",
            metavar="data.KEY=VALUE",
        ),
    ] = ()
    split: Annotated[
        str | None, Flag("Of the model's own data: test or val. Default: test for an export, val for a run.")
    ] = None
    strict: StrictField = False
    html: Annotated[Path | None, Flag("Write the page to this file, too.")] = None
    device: DeviceField = "auto"
    data_root: DataRootField = None
    storage: StorageField = None
    tracking_uri: TrackingField = None
    home: HomeField = None
    trust: TrustField = False

    def __post_init__(self) -> None:
        coerce(self)
        if self.split not in (None, "test", "val"):
            raise SpaceError(f"--split must be test or val, got {self.split!r}")
        if self.data is not None and self.split is not None:
            raise SpaceError(
                "--data takes all images of other data, --split a part of the model's own; give one of them"
            )
        if self.strict and self.data is None:
            raise SpaceError("--strict is about new data given with --data, and none is given")
        if self.overrides and self.data is None:
            raise SpaceError("--set says how a CSV file given with --data is meant, and none is given")
