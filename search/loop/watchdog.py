"""How long a worker may take: to obey, and to say anything at all."""

from dataclasses import dataclass

PAUSE_WITHIN_S = 20.0
"""For a trial to pause, before its worker is killed; somebody waits for it.

Slurm and Kubernetes kill 30 s after they have asked a program to end, and trials have to be released before that. An
epoch that is killed is trained again from the checkpoint.
"""
STOP_WITHIN_S = 300.0
"""For a trial to stop, before its worker is killed: only a slot waits, and a validation may take minutes."""
USUAL_TIMES = 10.0
"""How many times the longest epoch so far a worker may be silent: a busy neighbour makes an epoch two or three times as
long."""
SILENT_S = 600.0
"""How long any worker may be silent: a batch or a checkpoint on a slow disk may take minutes."""
START_S = 1800.0
"""The same, until the first epoch of a run has ended: torch.compile alone may take a quarter of an hour."""
_LEAP_S = 10.0
"""The most that counts of the time between two looks.

A laptop that was asleep, or a coordinator that was stopped, finds the clock hours ahead, and no worker has been silent
for as long.
"""


@dataclass(slots=True)
class _Watched:
    """A trial's last word, its last report if any, and its longest epoch in this run."""

    heard: float
    reported: float | None = None
    longest_s: float = 0.0


class Watchdog:
    """Finds the trials whose worker has been silent for far longer than usual.

    Every word counts, not only reports: a trial in a long epoch says how far it is.
    """

    def __init__(self) -> None:
        self._time = 0.0  # seconds in which this process looked
        self._looked: float | None = None
        self._trials: dict[int, _Watched] = {}
        self._longest_s = 0.0  # epoch of any trial

    def began(self, number: int) -> None:
        """Watch trial `number` from now on."""
        self._trials[number] = _Watched(self._time)

    def heard(self, number: int) -> None:
        """The worker of trial `number` has said something."""
        if watched := self._trials.get(number):
            watched.heard = self._time

    def reported(self, number: int) -> None:
        """Trial `number` has ended an epoch."""
        watched = self._trials.get(number)
        if watched is None:  # given up already; its last words are still read
            return
        if watched.reported is not None:
            watched.longest_s = max(watched.longest_s, self._time - watched.reported)
            self._longest_s = max(self._longest_s, watched.longest_s)
        watched.heard = watched.reported = self._time

    def forget(self, number: int) -> None:
        """Trial `number` has left its slot."""
        self._trials.pop(number, None)

    def silent(self, now: float) -> list[int]:
        """The trials that have been silent for too long; `now` in seconds of any clock."""
        self._time += 0.0 if self._looked is None else min(max(0.0, now - self._looked), _LEAP_S)
        self._looked = now
        return [n for n, watched in self._trials.items() if self._time - watched.heard > self._patience_s(watched)]

    def _patience_s(self, watched: _Watched) -> float:
        least = START_S if watched.reported is None else SILENT_S
        return max(least, USUAL_TIMES * (watched.longest_s or self._longest_s))
