"""The options of `hpo estimate`, validated on construction."""

from dataclasses import dataclass
from typing import Annotated

from ....common.folds import MAX_FOLDS, MIN_FOLDS
from ....errors import SpaceError
from ..fields import Flag
from ..keywords import same_fields
from ..retrain.options import RetrainOptions
from ..run.options import RunOptions, command_of


@dataclass(frozen=True, slots=True)
class EstimateOptions(RunOptions):
    """Everything `hpo.estimate` takes; the flags of `hpo estimate` in the same words.

    Those of a search are for each of its searches; `study` begins the names of their studies.
    """

    test_folds: Annotated[
        int,
        Flag(
            "Parts of the images, each the test split of a search that has the others.", low=MIN_FOLDS, high=MAX_FOLDS
        ),
    ] = 5

    def __post_init__(self) -> None:
        RunOptions.__post_init__(self)  # `super()` has no class to look up in a dataclass with slots
        if not MIN_FOLDS <= self.test_folds <= MAX_FOLDS:
            raise SpaceError(f"--test-folds must be {MIN_FOLDS} to {MAX_FOLDS}, got {self.test_folds}")
        if self.warm_start:
            raise SpaceError(
                f"--warm-start {','.join(self.warm_start)} cannot be estimated: its trials have seen images of each "
                "test fold\n  leave it out"
            )

    @property
    def command(self) -> str:
        """The equivalent command line, with `***` for a URL's secrets."""
        return command_of("estimate", self)

    def study_of(self, name: str, fold: int) -> str:
        """The name of the study of a test fold, from 1, where `name` is that of the whole."""
        return f"{name}-test-{fold}-of-{self.test_folds}"

    def search_options(self, name: str, fold: int) -> RunOptions:
        """The options of the search that does not see a test fold."""
        overrides = (*self.overrides, f"data.test_fold={fold}/{self.test_folds}")
        own = {
            "study": self.study_of(name, fold),
            "overrides": overrides,
            "skip_export_check": self.skip_export_check or fold > 1,  # the models are those of the first search
        }
        return RunOptions(**{**same_fields(self, RunOptions), **own})

    def winner_options(self, study: str) -> RetrainOptions:
        """The options by which the winner of such a search is retrained; it is for no use, and goes to no registry."""
        track = tuple(tracker for tracker in self.track if tracker != "mlflow")
        own = {"study": study, "epochs": None, "track": track}  # as many epochs as the trial
        return RetrainOptions(**{**same_fields(self, RetrainOptions), **own})
