"""Opening the trackers of a study, any number of them as one."""

from collections.abc import Iterable

from .several import SeveralTrackers
from .tracker import Tracker
from .tracker_kinds import TRACKERS, TrackedStudy


def open_trackers(names: Iterable[str], study: TrackedStudy) -> Tracker:
    """Open the trackers `names` of `study` as one.

    Where one of them fails, the others and the search go on.
    """
    return SeveralTrackers({name: TRACKERS.find(name).open(study) for name in names}, study.warn)
