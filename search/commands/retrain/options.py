"""The options of `hpo retrain-best`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....errors import SpaceError
from ....studies.tracking.tracker_kinds import DEFAULT, choose_trackers
from ....training.export.formats.registry import choose_formats, derived_names
from ..fields import (
    CheckpointDirField,
    DataRootField,
    DeviceField,
    Flag,
    HomeField,
    StorageField,
    StudyField,
    TrackField,
    TrackingField,
    TrustField,
)
from ..keywords import coerce

SEEDS = 5
"""Repetitions of a race: the factor of the 95 % interval is 2.8 with five, 12.7 with two and 2.3 with ten."""

MOST = 1000
"""The most candidates and seeds; it only catches slips."""


@dataclass(frozen=True, slots=True)
class RetrainOptions:
    """Everything `hpo.retrain_best` takes; the flags of `hpo retrain-best` in the same words.

    None means: the newest study, its best complete trial, no race, as many epochs as the trial had, the study's
    `export` folder in the home, the study store of the home, and the stores of MLflow that the study went to.
    `candidates` and `seeds` have the best trials raced on fresh seeds, the winner on so many; one of them is enough.
    `tracking_uri` "none" leaves MLflow out. `formats` are made beside model.onnx and model.pt2: names, or "all".
    `trust` runs a model's file that is not on record, see docs/security.md. `track` names what shows the training, see
    docs/tracking.md.
    """

    study: StudyField = None
    trial: Annotated[int | None, Flag("A trial's number. Default: the best complete one.")] = None
    candidates: Annotated[int | None, Flag("Race so many of the best trials on fresh seeds first.")] = None
    seeds: Annotated[int | None, Flag(f"Fresh seeds of the race's winner. Default: {SEEDS}.")] = None
    pick: Annotated[
        str | None,
        Flag("Of several objectives: the knee of the front (the default), its best by a METRIC, or a trial's number."),
    ] = None
    epochs: Annotated[int | None, Flag("Epochs to train. Default: as many as the trial.")] = None
    out: Annotated[Path | None, Flag("Where the export goes. Default: the study's export folder.")] = None
    device: DeviceField = "auto"
    data_root: DataRootField = None
    storage: StorageField = None
    checkpoint_dir: CheckpointDirField = None
    tracking_uri: TrackingField = None
    home: HomeField = None
    formats: Annotated[
        tuple[str, ...],
        Flag(
            f"Further formats: all, or some of {', '.join(derived_names())}; repeatable, or with commas between.",
            metavar="NAME",
        ),
    ] = ()
    trust: TrustField = False
    track: TrackField = DEFAULT

    def __post_init__(self) -> None:
        coerce(self)
        choose_formats(self.formats)
        object.__setattr__(self, "track", choose_trackers(self.track))
        if self.pick is not None and self.trial is not None:
            raise SpaceError(f"--pick {self.pick} and --trial {self.trial} must not both be given")
        # the upper end only catches slips
        if self.epochs is not None and not 1 <= self.epochs <= 100_000:
            raise SpaceError(f"--epochs must be 1 to 100000, got {self.epochs}")
        if self.has_race:
            self._check_race()

    @property
    def has_race(self) -> bool:
        """Whether trials are raced first."""
        return (self.candidates, self.seeds) != (None, None)

    @property
    def contest(self) -> tuple[int, int]:
        """How many trials are raced, and over how many repetitions."""
        return self.candidates or 1, self.seeds or SEEDS

    def _check_race(self) -> None:
        for name, value, low in (("candidates", self.candidates, 1), ("seeds", self.seeds, 2)):
            if value is not None and not low <= value <= MOST:
                raise SpaceError(f"--{name} must be {low} to {MOST}, got {value}")
        for name, given in {"trial": self.trial, "pick": self.pick, "epochs": self.epochs}.items():
            if given is not None:
                raise SpaceError(
                    f"--{name} must be left out with --candidates and --seeds, got {given}\n"
                    "  they race the best trials, each as long as it was"
                )
