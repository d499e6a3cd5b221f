"""The options of `hpo estimate`, validated on construction."""

from dataclasses import dataclass, fields, replace
from typing import Annotated

from ....common.folds import MAX_FOLDS, MIN_FOLDS
from ....errors import SpaceError
from ..fields import Flag
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
        same = {field.name: getattr(self, field.name) for field in fields(RunOptions)}
        overrides = (*self.overrides, f"data.test_fold={fold}/{self.test_folds}")
        return replace(RunOptions(**same), study=self.study_of(name, fold), overrides=overrides)

    def winner_options(self, study: str) -> RetrainOptions:
        """The options by which the winner of such a search is retrained; it is for no use, and goes to no registry."""
        own = {field.name for field in fields(RunOptions)} & {field.name for field in fields(RetrainOptions)}
        same = {name: getattr(self, name) for name in own - {"study", "epochs", "track"}}
        track = tuple(tracker for tracker in self.track if tracker != "mlflow")
        return RetrainOptions(study=study, track=track, **same)
