"""The options of `hpo diagnose`, validated on construction."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....errors import SpaceError
from ....training.diagnosis.registry import CHECKS
from ..fields import (
    DataField,
    DataRootField,
    DeviceField,
    Flag,
    HomeField,
    SetField,
    StorageField,
    TrustField,
    one_of,
)
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class DiagnoseOptions:
    """Everything `hpo.diagnose` takes; the flags of `hpo diagnose` in the same words.

    One of `space` (a file or name), `trial` ("STUDY/N") and `run` (the folder of an `hpo train`) says what to look at;
    `checks` are names of checks, all where none is given; `trust` runs a model's file that is not on record, see
    docs/security.md.
    """

    space: Annotated[
        str | None, Flag("Or a space file, or the name of a bundled space.", short="-s", complete="spaces")
    ] = None
    trial: Annotated[str | None, Flag("Or a trial of a study.", metavar="STUDY/N")] = None
    run: Annotated[Path | None, Flag("The folder of an hpo train.", metavar="[DIR]", positional=True)] = None
    overrides: SetField = ()
    data: DataField = None
    data_root: DataRootField = None
    checks: Annotated[
        Sequence[str],
        Flag(f"Make only this check: {one_of(CHECKS)}. Repeatable.", name="--check", metavar="NAME"),
    ] = ()
    trust: TrustField = False
    device: DeviceField = "auto"
    storage: StorageField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
        sources = [name for name in ("space", "trial", "run") if getattr(self, name) is not None]
        if len(sources) != 1:
            listed = " and ".join(sources) or "none of them"
            raise SpaceError(
                f"--space FILE, --trial STUDY/N or the folder of a run must say what to diagnose, got {listed}"
            )
        # a training's folder has its configuration and its data; changed, it would be another training
        if self.run is not None and (self.overrides or self.data):
            raise SpaceError("--set and --data change a --space or a --trial; a run is looked at as it is")
