"""The options of `hpo replay`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ...resolve.trial import split_trial
from ..fields import DataRootField, DeviceField, Flag, HomeField, StorageField, TrustField
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Everything `hpo.replay` takes; the flags of `hpo replay` in the same words.

    `out` None means that the training's files are removed when it has been compared.
    """

    trial: Annotated[str, Flag("A trial of a study.", metavar="STUDY/N", positional=True)]
    out: Annotated[Path | None, Flag("A new folder for the training. Default: it is not kept.")] = None
    device: DeviceField = "auto"
    data_root: DataRootField = None
    trust: TrustField = False
    storage: StorageField = None
    home: HomeField = None

    def __post_init__(self) -> None:
        coerce(self)
        split_trial(self.trial, "the trial")

    @property
    def name(self) -> tuple[str, int]:
        """The study and the trial's number."""
        return split_trial(self.trial, "the trial")
