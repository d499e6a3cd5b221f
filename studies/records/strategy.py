"""The strategy of a study as its attribute keeps it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from .. import attributes


@dataclass(frozen=True, slots=True)
class StrategyRecord:
    """What proposes, stops and promotes the trials of a study.

    `strategy`, `sampler` and `pruner` are names, "" where there is none; `rungs` the epochs, ascending, at which trials
    are compared and paused, () where none is; of those at a rung the best 1/`eta` go on, None where no such share is
    fixed; `picked` tells that `auto` has picked the strategy.
    """

    strategy: str
    sampler: str = ""
    pruner: str = ""
    eta: int | None = None
    rungs: tuple[int, ...] = ()
    picked: bool = False

    def to_attribute(self) -> str:
        """The value of the study's attribute."""
        return json.dumps(asdict(self))

    @classmethod
    def from_attributes(cls, noted: Mapping[str, Any]) -> Self | None:
        """The strategy among the attributes of a study.

        None where an older version or another program made the study.
        """
        try:
            kept = json.loads(noted[attributes.STRATEGY])
            eta, rungs = kept["eta"], tuple(int(epoch) for epoch in kept["rungs"])
            strategy, sampler, pruner = (str(kept[name] or "") for name in ("strategy", "sampler", "pruner"))
            picked = bool(kept.get("picked"))
            return cls(strategy, sampler, pruner, None if eta is None else int(eta), rungs, picked)
        except (ValueError, LookupError, TypeError):
            return None
