"""The kinds of trackers that there are, each registered under its name by the file that opens it.

    @register_tracker("tensorboard", Extra("tensorboard", "tensorboard"))
    def _open(study: TrackedStudy) -> Tracker: ...

A tracker's package is imported when it is opened, never before; a built-in one stands in NAME_tracker.py.
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
DEFAULT = ("mlflow",)


@dataclass(frozen=True, slots=True)
class TrackedStudy:
    """What a tracker follows: a study, or with `training` a single training of it that is no trial.

    `mlflow_uri` is that of the tracking store; `warn` gets a line for the user, seldom, from any thread.
    """

    home: "Home"
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


Opener = Callable[[TrackedStudy], "Tracker"]


class Kind(NamedTuple):
    """A kind of tracker: how it is opened, and what must be installed besides hpo itself."""

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
    """Return the trackers in `wishes`, each one name or several with commas between, without doubles.

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
