"""A worker process that times its waits, for overhead.py.

overhead.py starts it instead of `hpo.search.executors.worker`.

After an epoch (training and validation) a worker copies its state, hands the copy to the thread that writes checkpoints
and posts its report; before every batch it looks for a signal. Per report, the seconds from the end of the epoch to the
start of the next one, and the seconds of all looks of the next one, go to the file HPO_WAITS as a line.
"""

import os
import sys
import time
from collections.abc import Callable

from hpo.search.executors.worker import main
from hpo.training.loop.training import Training
from hpo.training.report import Signal

plain_epoch = Training._epoch


class Looks:
    """A signal that knows how long it was looked for."""

    def __init__(self, signal: Callable[[], Signal]) -> None:
        self.signal, self.seconds = signal, 0.0

    def __call__(self) -> Signal:
        """Look."""
        began = time.perf_counter()
        wish = self.signal()
        self.seconds += time.perf_counter() - began
        return wish


def timed_epoch(self: Training, batches: object, number: int, signal: Callable[[], Signal]) -> object:
    """`Training._epoch`, timed."""
    began = time.perf_counter()
    ended = vars(self).get("ended_at")
    looks = Looks(signal)
    report = plain_epoch(self, batches, number, looks)  # type: ignore[arg-type]
    if ended is not None:
        with open(os.environ["HPO_WAITS"], "a") as file:  # noqa: PTH123 - one short write, whole beside another's
            file.write(f"{began - ended} {looks.seconds}\n")
    vars(self)["ended_at"] = time.perf_counter()
    return report


if __name__ == "__main__":
    Training._epoch = timed_epoch  # type: ignore[assignment,method-assign]
    main(int(sys.argv[1]))
