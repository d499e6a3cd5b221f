"""Trackers by name: where `--track` sends what happens in a study, any number of them at once.

    @register_tracker("tensorboard", Extra("tensorboard", "tensorboard"))
    def _open(study: TrackedStudy) -> Tracker: ...

A tracker's package is imported when it is opened, never before.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ...common.installation import Extra, install_command
from ...errors import StudyError, nearest
from ..home import Home
from .several import SeveralTrackers
from .tracker import NullTracker, Tracker

DEFAULT = ("mlflow",)
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
        """Where the files of `tracker` lie.

        Raises:
            StudyError: a link leads out of the home, which may come from somebody else.
        """
        folder = self.home.study(self.name) / tracker
        if not self.home.contains(folder):
            raise StudyError(f"{folder} leads out of {self.home.root}")
        return folder

    def run_name(self, trial: int) -> str:
        """The name of the run that shows trial `trial`, in every tracker."""
        return self.training or f"trial-{trial:04d}"


Opener = Callable[[TrackedStudy], Tracker]


class _Kind(NamedTuple):
    open: Opener
    extra: Extra | None


_kinds: dict[str, _Kind] = {}


def register_tracker(name: str, extra: Extra | None = None) -> Callable[[Opener], Opener]:
    """Make the decorated function open the tracker `name`, which needs the packages of `extra`.

    Raises:
        StudyError: the name is taken.
    """

    def register(opener: Opener) -> Opener:
        if name in _kinds:
            raise StudyError(f"tracker {name}: a name is registered once, and {_kinds[name].open} has it already")
        _kinds[name] = _Kind(opener, extra)
        return opener

    return register


@register_tracker(NONE)
def _open_none(study: TrackedStudy) -> Tracker:
    return NullTracker()


def tracker_names() -> tuple[str, ...]:
    """Every registered name."""
    _load_built_ins()
    return tuple(sorted(_kinds))


def choose_trackers(wishes: Iterable[str]) -> tuple[str, ...]:
    """The trackers in `wishes`, each one name or several with commas between, without doubles.

    Raises:
        StudyError: there is no such tracker, its package is not installed, or `none` is not alone.
    """
    names = tuple(dict.fromkeys(name.strip() for wish in wishes for name in wish.split(",") if name.strip()))
    known = tracker_names()
    for name in names:
        if name not in known:
            raise StudyError(f"--track: unknown tracker {name!r}; {nearest(name, known)}")
        extra = _kinds[name].extra
        if extra is not None and not extra.installed:
            raise StudyError(f"--track {name}: {extra.package} is not installed\n  {install_command(extra.name)}")
    if NONE in names and len(names) > 1:
        raise StudyError(f"--track {NONE} leaves out all trackers, so it stands alone, got {', '.join(names)}")
    return names or (NONE,)


def open_trackers(names: Iterable[str], study: TrackedStudy) -> Tracker:
    """The trackers `names` of `study` as one; whatever befalls one of them, the others and the search go on."""
    return SeveralTrackers({name: _kinds[name].open(study) for name in choose_trackers(names)}, study.warn)


def _load_built_ins() -> None:
    """Import the built-in trackers, which register themselves; here and not at the top, since they import this file."""
    from . import mlflow_tracker, tensorboard_tracker, wandb_tracker  # noqa: F401
