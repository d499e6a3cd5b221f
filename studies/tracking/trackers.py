"""Trackers by name: where `--track` sends what happens in a study, any number of them at once."""

from collections.abc import Iterable

from ...common.installation import install_command
from ...errors import StudyError, nearest
from . import mlflow_tracker, tensorboard_tracker, wandb_tracker  # noqa: F401  (they register themselves)
from .several import SeveralTrackers
from .tracker import Tracker
from .tracker_kinds import KINDS, NONE, TrackedStudy

DEFAULT = ("mlflow",)


def tracker_names() -> tuple[str, ...]:
    """Return every registered name."""
    return tuple(sorted(KINDS))


def choose_trackers(wishes: Iterable[str]) -> tuple[str, ...]:
    """Return the trackers in `wishes`, each one name or several with commas between, without doubles.

    Raises:
        StudyError: there is no such tracker, its package is not installed, or `none` is not alone.
    """
    names = tuple(dict.fromkeys(name.strip() for wish in wishes for name in wish.split(",") if name.strip()))
    for name in names:
        if name not in KINDS:
            raise StudyError(f"--track: unknown tracker {name!r}; {nearest(name, KINDS)}")
        extra = KINDS[name].extra
        if extra is not None and not extra.installed:
            raise StudyError(f"--track {name}: {extra.package} is not installed\n  {install_command(extra.name)}")
    if NONE in names and len(names) > 1:
        raise StudyError(f"--track {NONE} leaves out all trackers, so it stands alone, got {', '.join(names)}")
    return names or (NONE,)


def open_trackers(names: Iterable[str], study: TrackedStudy) -> Tracker:
    """Open the trackers `names` of `study` as one; whatever befalls one of them, the others and the search go on."""
    return SeveralTrackers({name: KINDS[name].open(study) for name in names}, study.warn)
