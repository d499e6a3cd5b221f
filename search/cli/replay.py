"""`hpo replay`: a trial again from its record."""

from typing import TYPE_CHECKING

from ..commands.replay.options import ReplayOptions
from .common import JsonOption, command, print_json, tell

if TYPE_CHECKING:
    from ..commands.replay.replay import Replay


@command
def replay(options: ReplayOptions, json: JsonOption = False) -> None:
    """Train a trial again from its record, and say how close it came.

    It is trained as far as the trial came, on the study's images, and compared epoch by epoch.
    """
    from contextlib import closing

    from ..commands.replay.replay import replay as train_again
    from ..progress.single import watcher

    with closing(watcher()) as view:
        found = train_again(options, view)
    print_json(found.to_json()) if json else _tell(found)


def _tell(found: "Replay") -> None:
    from ..progress.format import number_of

    count, trial = len(found.before), f"trial {found.trial} of study {found.study}"
    epochs = "its one epoch" if count == 1 else f"each of its {count} epochs"
    if found.same:
        tell(f"{trial}: {found.metric} of {epochs} is the same, to the last digit")
    elif found.largest is not None:
        last, (largest, epoch) = max({*found.before} & {*found.after}), found.largest
        was, now = number_of(found.before[last]), number_of(found.after[last])
        tell(f"{trial}: {found.metric} {now} after epoch {last}, {was} in its record")
        tell(f"an epoch differs by {number_of(largest)} at most (epoch {epoch})")
    if len(found.after) < count:
        tell(f"{trial}: {found.status.replace('_', ' ')} after {len(found.after)} of {count} epochs")
    if found.differences:
        tell(f"since the study was run: {', '.join(found.differences)}")
