"""The workers of a search, started as early as can be.

A worker imports torch for seconds. On the CPU nothing has to be found out first, so it does that while the data is
packed and the models are tried; how many cards there are is known only afterwards.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from ....common.cores import threads_here
from ....studies.shared_files.study_files import StudyFiles
from ....training.config import TrialConfig
from ...executors.base import Executor
from ...executors.devices import place, requested_cards, threads_on_cpu
from ...executors.preflight import Preflight
from ...executors.registry import EXECUTORS
from ...executors.worker_process import Placement
from .options import RunOptions


class Crew(ABC):
    """The workers of one search, as a context manager: whatever ends it, no worker outlives it."""

    @abstractmethod
    def __enter__(self) -> Self:
        """Start what can be started before anything is known.

        Raises:
            SpaceError: a flag is wrong.
        """

    @property
    @abstractmethod
    def cards(self) -> list[int] | None:
        """The CUDA devices of this machine that the search may use; None for every one, [] for none."""

    @property
    @abstractmethod
    def threads(self) -> int:
        """The threads of a training on the CPUs of this machine."""

    @abstractmethod
    def check(self, ready: Preflight, config: TrialConfig, models: Mapping[str, str]) -> Preflight:
        """Check other machines, for the data of `config` and users' `models`; return what holds there.

        `models` are SHA-256 by name, `ready` is what holds here.
        """

    @abstractmethod
    def placements(self, ready: Preflight) -> list[Placement]:
        """Where each worker runs."""

    @abstractmethod
    def executor(self, placements: Sequence[Placement], files: StudyFiles | None) -> Executor:
        """Return the executor of the trials, at `placements`; `files` are those that the study shares."""

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers."""


class LocalCrew(Crew):
    """Workers on this machine; those that had no work leave nothing.

    Each trial trains on so many `devices`. `logs` is the folder that takes what workers print, `jobs` how many trials
    there are to run: no more workers than that are started, None for no limit.
    """

    def __init__(self, options: RunOptions, devices: int, logs: Path, jobs: int | None) -> None:
        self._options, self._devices, self._logs = options, devices, logs
        self._jobs = None if jobs is None else max(jobs, 0)
        self._early: Executor | None = None
        self._left_behind = not logs.exists()  # by workers that are started and never have work

    def __enter__(self) -> Self:
        """Start the workers, where they run on the CPU."""
        options = self._options
        if options.executor == "process" and self._jobs != 0 and self.cards == []:
            self._early = self._start(place(options.device, options.workers, 0, self._devices))
        return self

    @property
    def cards(self) -> list[int] | None:
        """The CUDA devices of this machine that the search may use; None for every one, [] for none."""
        return requested_cards(self._options.device)

    @property
    def threads(self) -> int:
        """The threads of a training on the CPU; inline it has those of this process."""
        options = self._options
        return threads_here() if options.executor == "inline" else threads_on_cpu(options.workers, self._devices)

    def check(self, ready: Preflight, config: TrialConfig, models: Mapping[str, str]) -> Preflight:
        """Return what the preflight on this machine has found."""
        return ready

    def placements(self, ready: Preflight) -> list[Placement]:
        """Where each worker runs."""
        options = self._options
        if options.executor == "inline":
            (only,) = place(options.device, 1, ready.gpus, self._devices)
            return [replace(only, threads=self.threads)]
        return place(options.device, options.workers, ready.gpus, self._devices)

    def executor(self, placements: Sequence[Placement], files: StudyFiles | None) -> Executor:
        """Return the executor of the trials, at `placements`.

        On the CPU those are where the workers are already.
        """
        self._left_behind = False
        return self._early or self._start(placements)

    def _start(self, placements: Sequence[Placement]) -> Executor:
        # one at least, since an executor needs a place, even where no trial is left
        places = placements if self._jobs is None else placements[: max(self._jobs, 1)]
        return EXECUTORS.find(self._options.executor)(places, self._logs)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the workers; where none had work, their logs go, too."""
        if self._early is not None:
            self._early.close()
            if self._left_behind:
                shutil.rmtree(self._logs, ignore_errors=True)
                with suppress(OSError):
                    self._logs.parent.rmdir()  # of a study that was refused; one with anything in it stays
