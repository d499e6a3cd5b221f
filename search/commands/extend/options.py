"""The options of `hpo extend`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from ....errors import SpaceError
from ....studies.tracking.tracker_kinds import DEFAULT, choose_trackers
from ....studies.waiting import GIVE_UP_S, GRACE_S
from ..fields import (
    CheckpointDirField,
    DataRootField,
    Flag,
    HomeField,
    StorageField,
    StudyField,
    TrackField,
    TrackingField,
    TrustField,
)
from ..keywords import coerce, same_fields
from ..run.options import RunOptions, command_of
from ..trial_fields import (
    GraceField,
    PatienceField,
    SearchDeviceField,
    TimeoutField,
    TrialTimeoutField,
    WorkersField,
)

MOST_EPOCHS = 100_000
"""The most of `budget.epochs`."""


@dataclass(frozen=True, slots=True)
class ExtendOptions:
    """Everything `hpo.extend` takes; the flags of `hpo extend` in the same words.

    One of `top` and `trial` says which trials go on. `epochs` None means the budget that each has, to which one that
    was stopped or is paused did not come. `workers` None means auto; the rest as `hpo.RunOptions` has it.
    """

    study: StudyField = None
    top: Annotated[int | None, Flag("How many of the best trials go on.", low=1)] = None
    trial: Annotated[
        tuple[str, ...], Flag("A trial that goes on; repeatable, or with commas between.", metavar="N")
    ] = ()
    epochs: Annotated[int | None, Flag("Epochs to train each to. Default: the trial's own budget.")] = None
    workers: WorkersField = None
    device: SearchDeviceField = "auto"
    timeout_s: TimeoutField = None
    trial_timeout_s: TrialTimeoutField = None
    data_root: DataRootField = None
    storage: StorageField = None
    storage_patience_s: PatienceField = GIVE_UP_S
    grace_s: GraceField = GRACE_S
    checkpoint_dir: CheckpointDirField = None
    tracking_uri: TrackingField = None
    home: HomeField = None
    executor: Annotated[Literal["process", "inline"], Flag("process; inline: one trial at a time in this process.")] = (
        "process"
    )
    trust: TrustField = False
    track: TrackField = DEFAULT

    def __post_init__(self) -> None:
        coerce(self)
        if self.executor not in ("process", "inline"):
            raise SpaceError(f"--executor must be process or inline, got {self.executor!r}")
        object.__setattr__(self, "track", choose_trackers(self.track))
        given = (self.trial,) if isinstance(self.trial, int) else self.trial  # in a notebook
        words = (word.strip() for each in given for word in str(each).split(","))
        object.__setattr__(self, "trial", tuple(dict.fromkeys(filter(None, words))))
        if wrong := [word for word in self.trial if not word.isdecimal()]:
            raise SpaceError(f"--trial must be a trial's number, got {wrong[0]!r}")
        if (self.top is None) == (not self.trial):
            both = f"--top {self.top} and --trial {','.join(self.trial)}" if self.trial else "none"
            raise SpaceError(f"one of --top K and --trial N must say which trials go on, got {both}")
        if self.top is not None and self.top < 1:
            raise SpaceError(f"--top must be at least 1, got {self.top}")
        if self.epochs is not None and not 1 <= self.epochs <= MOST_EPOCHS:
            raise SpaceError(f"--epochs must be 1 to {MOST_EPOCHS}, got {self.epochs}")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of the trials that are named."""
        return tuple(map(int, self.trial))

    @property
    def command(self) -> str:
        """The equivalent command line, with `***` for a URL's secrets."""
        return command_of("extend", self)

    def run_options(self, space: Path, study: str, trials: int) -> RunOptions:
        """The options of a search of `study`, in the file `space`, to so many trials, that is run in the same way."""
        own = {"space": str(space), "study": study, "trials": trials, "epochs": None}  # the space has the epochs
        return RunOptions(**{**same_fields(self, RunOptions), **own})
