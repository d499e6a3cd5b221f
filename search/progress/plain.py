"""The plain view of a search: one line per finished trial, and per trial that reaches a rung.

It is for logs, pipes and CI.
"""

import sys
from collections.abc import Mapping
from typing import Any, TextIO

from ...common.display import visible
from ...common.plural import plural
from ...training.report import Activity, EpochReport
from .base import Standing
from .broken_pipe import print_lasting
from .format import dropped, duration, ending, number_of, params_line


class PlainProgress:
    """A plain view on `stream`, standard error by default."""

    def __init__(self, standing: Standing, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._better = max if standing.direction == "maximize" else min
        self._named = standing.named
        self._best = None if standing.best is None else standing.best[0]  # of former runs, too
        self._params: dict[int, Mapping[str, Any]] = {}
        self._elapsed: dict[int, float] = {}
        self._epochs: dict[int, int] = {}
        self._dropped = 0  # paused trials that have ended
        self._print(standing.words)

    def trial_started(self, number: int, params: Mapping[str, Any], epochs: int, curve: Mapping[int, float]) -> None:
        """Remember the parameters."""
        self._params[number], self._epochs[number] = params, max(curve, default=0)

    def busy(self, number: int, activity: Activity) -> None:
        """Nothing: a log has a line per trial."""

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        """Remember the epochs done and their time."""
        self._epochs[number], self._elapsed[number] = report.epoch, report.elapsed_s

    def trial_paused(self, number: int, rung: int, value: float | None) -> None:
        """Print a line on the trial."""
        self._print_trial(number, f"at rung {rung}", value)

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        """Print a line on the trial; paused ones are only counted, as many end at once."""
        if number not in self._params:
            self._dropped += 1
            return
        if value is not None and state == "COMPLETE":
            self._best = value if self._best is None else self._better(self._best, value)
        # the reason of a failure in the place of its parameters; the rest of it is in `hpo show`
        self._print_trial(number, ending(status), value, message.splitlines()[0] if message and state == "FAIL" else "")

    def note(self, text: str) -> None:
        """Print the line."""
        self._print(text)

    def close(self) -> None:
        """Print how many paused trials have ended."""
        if self._dropped:
            self._print(dropped(self._dropped))

    def _print_trial(self, number: int, how: str, value: float | None, reason: str = "") -> None:
        """Print a line on a trial that gives up its slot."""
        params = self._params.pop(number, {})
        spent = f"{plural(self._epochs.pop(number, 0), 'epoch')}, {duration(self._elapsed.pop(number, 0.0))}"
        head = f"trial {number:>3} {how:<13} {number_of(value)}  {self._named} {number_of(self._best)}"
        self._print(f"{head}  {spent}  {reason or params_line(params)}")

    def _print(self, line: str) -> None:
        print_lasting(visible(line), self._stream)
