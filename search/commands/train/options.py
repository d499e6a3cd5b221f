"""The options of `hpo train`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....errors import SpaceError
from ..fields import (
    DataField,
    DataRootField,
    DeviceField,
    Flag,
    HomeField,
    SetField,
    SkipExportField,
    SpaceField,
    StorageField,
    StrictField,
    TrustField,
)
from ..keywords import coerce
from ..run.options import RunOptions


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Everything `hpo.train` takes; the flags of `hpo train` in the same words.

    `space` is a space file or name, `trial` is "STUDY/N"; one of them, or with `resume` none. `out` None means a new
    folder in the home. `trust` runs a model's file that is not on record, see docs/security.md.
    """

    space: SpaceField = None
    trial: Annotated[str | None, Flag("Or a trial of a study, as it was.", metavar="STUDY/N")] = None
    overrides: SetField = ()
    data: DataField = None
    data_root: DataRootField = None
    epochs: Annotated[int | None, Flag("Short for --set budget.epochs=N.")] = None
    out: Annotated[Path | None, Flag("The folder of the run. Default: a new one in the home.")] = None
    resume: Annotated[bool, Flag("Go on with the run in --out.")] = False
    skip_export_check: SkipExportField = False
    strict: StrictField = False
    trust: TrustField = False
    device: DeviceField = "auto"
    storage: StorageField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
        if self.space and self.trial:
            raise SpaceError("--space and --trial each say what to train; give one of them")
        if not (self.space or self.trial or self.resume):
            raise SpaceError("--space FILE or --trial STUDY/N must say what to train")
        if self.resume and self.out is None:
            raise SpaceError("--resume needs --out DIR, the folder of the run to go on with")
        if not (self.space or self.trial) and (self.overrides or self.data or self.epochs or self.strict):
            raise SpaceError("--set, --data, --epochs and --strict change a --space or a --trial, and neither is given")
        for key in (change.partition("=")[0].strip() for change in self.overrides):
            if key.partition(".")[0] == "search":
                raise SpaceError(f"--set {key} says how a space is searched, and a training searches nothing")

    @property
    def changes(self) -> list[str]:
        """`--set` and the flags that are short for it."""
        short = RunOptions("", 1, data=self.data, overrides=self.overrides, epochs=self.epochs, strict=self.strict)
        return short.space_overrides(None)
