"""The registry of trackers, each registered by the file that opens it.

    @register_tracker("tensorboard", Extra("tensorboard", "tensorboard"))
    def _open(study: TrackedStudy) -> Tracker: ...

A tracker's package is imported when it is opened, never before. A built-in one is the file NAME_tracker.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...common.installation import Extra, install_command
from ...common.registry import Registry, modules_beside
from ...errors import StudyError

if TYPE_CHECKING:
    from ..home import Home
    from .tracker import Tracker

NONE = "none"
DEFAULT = ("mlflow",)  # it needs no server and no account, and holds the registry of models, too


@dataclass(frozen=True, slots=True)
class TrackedStudy:
    """The study that a tracker follows.

    With `training`, a single training of it that is no trial, such as that of `hpo retrain-best`. `mlflow_uri` is that
    of the tracking store; `warn` gets a line for the user, seldom, from any thread.
    """

    home: "Home"
    name: str
    mlflow_uri: str
    warn: Callable[[str], None]
    training: str = ""

    def folder(self, tracker: str) -> Path:
        """Return the folder of the files of `tracker`.

        Raises:
            StudyError: a link leads out of the home, which may come from somebody else.
        """
        folder = self.home.study(self.name) / tracker
        if not self.home.contains(folder):
            raise StudyError(f"{folder} leads out of {self.home.root}")
        return folder

    def run_name(self, trial: int) -> str:
        """Return the name of trial `trial`, the same in every tracker."""
        return self.training or f"trial-{trial:04d}"


Opener = Callable[[TrackedStudy], "Tracker"]


class Kind(NamedTuple):
    """A kind of tracker: its opener, and the extra that it needs."""

    open: Opener
    extra: Extra | None


_FILES = modules_beside(__name__).items()
_MODULES = {name.removesuffix("_tracker"): module for name, module in _FILES if name.endswith("_tracker")}
TRACKERS: Registry[Kind] = Registry("tracker", at="--track", error=StudyError, modules=_MODULES)


def register_tracker(name: str, extra: Extra | None = None) -> Callable[[Opener], Opener]:
    """Make the decorated function open the tracker `name`.

    Raises:
        StudyError: the name is taken.
    """

    def register(opener: Opener) -> Opener:
        TRACKERS.add(name, Kind(opener, extra))
        return opener

    return register


def choose_trackers(wishes: Iterable[str]) -> tuple[str, ...]:
    """Return the names of trackers in `wishes`, without doubles.

    Each wish is a name, or several with commas between.

    Raises:
        StudyError: there is no such tracker, its package is not installed, or `none` is not alone.
    """
    names = tuple(dict.fromkeys(name.strip() for wish in wishes for name in wish.split(",") if name.strip()))
    for name in names:
        extra = TRACKERS.find(name).extra
        if extra is not None and not extra.installed:
            raise StudyError(f"--track {name}: {extra.package} is not installed\n  {install_command(extra.name)}")
    if NONE in names and len(names) > 1:
        raise StudyError(f"--track {NONE} leaves out all trackers, so it stands alone, got {', '.join(names)}")
    return names or (NONE,)
