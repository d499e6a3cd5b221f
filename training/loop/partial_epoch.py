"""The part of an epoch that was done when a training was paused.

Its file, `partial.ckpt`, lies beside the checkpoint of the epoch before, which stays as it is: what goes wrong with the
part costs the part alone. It is of use until its epoch has ended.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class PartialEpoch:
    """The batches of an epoch that are done, and what the others need to know of them.

    `done` is their number, `elapsed_s` the time that they took; `sums` are those of the meter, `generators` the states
    of the generators of torch, NumPy and Python, `streams` those of the augmentations.
    """

    done: int = 0
    elapsed_s: float = 0.0
    sums: Mapping[str, Any] = field(default_factory=dict)
    generators: Mapping[str, Any] = field(default_factory=dict)
    streams: Mapping[str, Any] = field(default_factory=dict)

    def to_state(self) -> dict[str, Any]:
        """Return the values for a checkpoint; `PartialEpoch(**state)` reads them."""
        return asdict(self)


NOTHING = PartialEpoch()
"""The part of an epoch that has not begun."""
