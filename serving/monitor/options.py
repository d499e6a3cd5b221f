"""The options of the monitor, checked once."""

from dataclasses import dataclass

from ..options import UsageError


@dataclass(frozen=True, slots=True)
class MonitorOptions:
    """The options for keeping predictions and raising alarms.

    Attributes:
        false_alarm_every: predictions that are looked at per false alarm, on average, while nothing changes.
        watch_per_second: predictions that are looked at in a second, on average and per process; of more a random part.
        keep_days: older predictions are removed.
        keep_rows: of what remains, the newest so many are kept.
        thumbnails: share of the images that are kept, in [0, 1].
        queue: predictions that may wait to be written; further ones are dropped and counted.
        seed: of every draw.
    """

    false_alarm_every: int = 10_000
    watch_per_second: int = 100
    keep_days: float = 30.0
    keep_rows: int = 1_000_000
    thumbnails: float = 0.0
    queue: int = 2_048
    seed: int = 0

    @property
    def pause(self) -> int:
        """Return the predictions after an alarm without another.

        A change can be told again after them.
        """
        # a lasting change is told ten times in the time of one false alarm at most
        return self.false_alarm_every // 10

    def __post_init__(self) -> None:
        laws = {
            f"--false-alarm-every must be at least 100 predictions, got {self.false_alarm_every}": (
                self.false_alarm_every >= 100
            ),
            f"--watch-per-second must be at least 1 prediction, got {self.watch_per_second}": (
                self.watch_per_second >= 1
            ),
            f"--keep-days must be > 0, got {self.keep_days}": self.keep_days > 0,
            f"--keep-rows must be at least 1, got {self.keep_rows}": self.keep_rows >= 1,
            f"--thumbnails must be a share from 0 to 1, got {self.thumbnails}": 0 <= self.thumbnails <= 1,
            f"queue must be at least 1, got {self.queue}": self.queue >= 1,
        }
        for law, holds in laws.items():
            if not holds:
                raise UsageError(law)
