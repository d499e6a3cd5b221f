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
        replayed = train_again(options, view)
    print_json(replayed.to_json()) if json else _tell(replayed)


def _tell(replayed: "Replay") -> None:
    from ..progress.format import number_of

    count, trial = len(replayed.before), f"trial {replayed.trial} of study {replayed.study}"
    unit = replayed.unit
    epochs = f"its one {unit}" if count == 1 else f"each of its {count} {unit}s"
    if replayed.same:
        tell(f"{trial}: {replayed.metric} of {epochs} is the same, to the last digit")
    elif replayed.largest is not None:
        last, (largest, epoch) = max({*replayed.before} & {*replayed.after}), replayed.largest
        was, now = number_of(replayed.before[last]), number_of(replayed.after[last])
        tell(f"{trial}: {replayed.metric} {now} after {unit} {last}, {was} in its record")
        tell(f"one {unit} differs by {number_of(largest)} at most ({unit} {epoch})")
    if len(replayed.after) < count:
        tell(f"{trial}: {replayed.status.replace('_', ' ')} after {len(replayed.after)} of {count} {unit}s")
    if replayed.differences:
        tell(f"since the study was run: {', '.join(replayed.differences)}")
