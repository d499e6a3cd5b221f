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
    are compared and paused, () where none is; of so many trials at each of them `one_in` one goes on, () where no such
    shares are fixed; `picked` tells that `auto` has picked the strategy; `audit` is the share, in [0, 1], of the trials
    to be stopped that run on to their end, of trials from number `audit_since` on.
    """

    strategy: str
    sampler: str = ""
    pruner: str = ""
    one_in: tuple[int, ...] = ()
    rungs: tuple[int, ...] = ()
    picked: bool = False
    audit: float = 0.0
    audit_since: int = 0

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
            rungs = tuple(int(epoch) for epoch in kept["rungs"])
            # an older version kept one number for all rungs
            one_in = kept["one_in"] if "one_in" in kept else [kept["eta"]] * len(rungs) if kept["eta"] else []
            strategy, sampler, pruner = (str(kept[name] or "") for name in ("strategy", "sampler", "pruner"))
            picked, audit = bool(kept.get("picked")), float(kept.get("audit", 0.0))
            since = int(kept.get("audit_since", 0))
            return cls(strategy, sampler, pruner, tuple(map(int, one_in)), rungs, picked, audit, since)
        except (ValueError, LookupError, TypeError):
            return None
