"""The contract of progress views, and a view that shows nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...training.report import Activity, EpochReport
from .limits import Limits


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a study as a run begins.

    `total` is how many trials the study shall reach, None for no limit, `limits` what else ends the search; `done` how
    many have ended; `best` the value and number of the best one; `begun` the epochs so far of each trial that goes on;
    `paused` the trials that wait at a rung; `first` is the metric of `best` where there are several objectives, else
    empty; `images` the number of validation images where the objective is a share of them, else None.
    """

    study: str
    direction: str
    total: int | None
    done: int = 0
    best: tuple[float, int] | None = None
    begun: Mapping[int, int] = field(default_factory=dict)
    paused: frozenset[int] = frozenset()
    first: str = ""
    images: int | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def named(self) -> str:
        """What the best one is called: `best`, with several objectives `best val_accuracy`."""
        return f"best {self.first}".rstrip()

    @property
    def words(self) -> str:
        """One line on the study and on the trials that go on."""
        if not (self.done or self.begun or self.paused):
            return f"study {self.study}: to {self.limits.words(self.total)}"
        best = "no best yet" if self.best is None else f"{self.named} {self.best[0]:.4f} (trial {self.best[1]})"
        goes_on = [f"trial {number} goes on after epoch {epochs}" for number, epochs in self.begun.items()]
        if len(goes_on) > _NAMED:
            goes_on = [f"{len(goes_on)} trials go on where they were"]
        paused = f"{len(self.paused)} paused at rungs, " if self.paused else ""
        of = "" if self.total is None else f" of {self.total}"
        return "; ".join([f"study {self.study}: {self.done}{of} trials done, {paused}{best}", *goes_on])


_NAMED = 4  # trials in one line; more would wrap on a terminal, and are counted


class Progress(Protocol):
    """A progress view of one run of a search.

    Every call returns at once, as the event loop waits for it. `note` may be called from another thread.
    """

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int, curve: Mapping[int, float]) -> None:
        """Trial `number` has a slot, for at most `epochs` epochs.

        `curve` is its objective by epoch so far.
        """
        ...

    def busy(self, number: int, activity: Activity) -> None:
        """The activity of trial `number`."""
        ...

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """An epoch has ended with objective `value`."""
        ...

    def trial_paused(self, number: int, rung: int, value: float | None) -> None:
        """Trial `number` gives up its slot at `rung` (from 0) with objective `value`.

        It is promoted by `trial_started`, or ends without that.
        """
        ...

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Trial `number` has ended as `state`: COMPLETE, PRUNED or FAIL.

        `value` is its best objective, `status` how training ended. A trial that has no slot was paused at a rung.
        """
        ...

    def note(self, text: str) -> None:
        """A line that a person should read."""
        ...

    def close(self) -> None:
        """The search is over."""
        ...


class NoProgress:
    """Shows nothing."""

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int, curve: Mapping[int, float]) -> None:
        """Nothing."""

    def busy(self, number: int, activity: Activity) -> None:
        """Nothing."""

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """Nothing."""

    def trial_paused(self, number: int, rung: int, value: float | None) -> None:
        """Nothing."""

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""
