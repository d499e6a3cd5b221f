"""The kinds of trackers that there are, each registered under its name by the file that opens it.

    @register_tracker("tensorboard", Extra("tensorboard", "tensorboard"))
    def _open(study: TrackedStudy) -> Tracker: ...

A tracker's package is imported when it is opened, never before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...common.installation import Extra
from ...errors import StudyError
from ..home import Home
from .tracker import NullTracker, Tracker

NONE = "none"


@dataclass(frozen=True, slots=True)
class TrackedStudy:
    """What a tracker follows: a study, or with `training` a single training of it that is no trial.

    `mlflow_uri` is that of the tracking store; `warn` gets a line for the user, seldom, from any thread.
    """

    home: Home
    name: str
    mlflow_uri: str
    warn: Callable[[str], None]
    training: str = ""

    def folder(self, tracker: str) -> Path:
        """Return where the files of `tracker` lie.

        Raises:
            StudyError: a link leads out of the home, which may come from somebody else.
        """
        folder = self.home.study(self.name) / tracker
        if not self.home.contains(folder):
            raise StudyError(f"{folder} leads out of {self.home.root}")
        return folder

    def run_name(self, trial: int) -> str:
        """Return the name of the run that shows trial `trial`, the same in every tracker."""
        return self.training or f"trial-{trial:04d}"


Opener = Callable[[TrackedStudy], Tracker]


class Kind(NamedTuple):
    """A kind of tracker: how it is opened, and what must be installed besides hpo itself."""

    open: Opener
    extra: Extra | None


KINDS: dict[str, Kind] = {}


def register_tracker(name: str, extra: Extra | None = None) -> Callable[[Opener], Opener]:
    """Make the decorated function open the tracker `name`.

    Raises:
        StudyError: the name is taken.
    """

    def register(opener: Opener) -> Opener:
        if name in KINDS:
            raise StudyError(f"tracker {name}: a name is registered once, and {KINDS[name].open} has it already")
        KINDS[name] = Kind(opener, extra)
        return opener

    return register


@register_tracker(NONE)
def _open_none(study: TrackedStudy) -> Tracker:
    return NullTracker()
