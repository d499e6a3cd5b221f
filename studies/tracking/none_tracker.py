"""The tracker of `--track none`, which records nothing."""

from .tracker import NullTracker, Tracker
from .tracker_kinds import NONE, TrackedStudy, register_tracker


@register_tracker(NONE)
def _open(study: TrackedStudy) -> Tracker:
    return NullTracker()
