"""A plan: what a search will take, and what is unwise about it."""

from dataclasses import asdict, dataclass
from typing import Any

from ...configuration.search_settings import SearchSettings
from .forecast import Forecast
from .timed import Measured


@dataclass(frozen=True, slots=True)
class Room:
    """Memory or disk in bytes: what the search takes at most, None where that is not known, and what is free."""

    needed: int | None
    free: int


@dataclass(frozen=True, slots=True)
class Precision:
    """The images of a split, and how fine accuracies near 0.9 are on it, as a share.

    On the test split it is the width of the 95 % interval, on the validation split the least difference between two
    configurations that is told from chance.
    """

    images: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class Prospect:
    """A search by so many workers: how it is searched, what was measured for it, and what it comes to."""

    settings: SearchSettings
    measured: Measured
    forecast: Forecast
    setup_s: float

    @property
    def total_s(self) -> float:
        """Seconds from the command to its end, in the middle of the simulated searches."""
        return self.setup_s + self.forecast.seconds.median

    def to_json(self) -> dict[str, Any]:
        """The object in `hpo plan --json`."""
        settings = {**self.settings.names, "picked": self.settings.picked}
        forecast = {**asdict(self.forecast), "setup_s": self.setup_s, "total_s": self.total_s}
        return {**settings, **self.measured.to_json(), **forecast}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search will take.

    `prospects` has the search that was asked for last, before it the same by one worker where there are more. `done`
    are the trials that its study has already; `configurations` is None for a continuum.
    """

    study: str
    trials: int | None
    done: int
    configurations: int | None
    prospects: tuple[Prospect, ...]
    memory: Room
    disk: Room
    validation: Precision
    test: Precision
    warnings: tuple[str, ...]

    @property
    def asked(self) -> Prospect:
        """The search that was asked for."""
        return self.prospects[-1]

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo plan --json` prints."""
        rooms = {"memory": asdict(self.memory), "disk": asdict(self.disk)}
        images = {"validation": asdict(self.validation), "test": asdict(self.test)}
        return {
            "study": self.study,
            "trials": self.trials,
            "done": self.done,
            "configurations": self.configurations,
            "prospects": [prospect.to_json() for prospect in self.prospects],
            **rooms,
            **images,
            "warnings": list(self.warnings),
        }
