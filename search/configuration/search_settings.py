"""How a study is searched: what the flags, the space file and the study itself say of it, settled in one place."""

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from ...errors import SpaceError
from ...spaces.space import SearchSpace
from ...studies.records.strategy import StrategyRecord
from ..strategy.strategies.auto import Pick
from ..strategy.strategies.registry import STRATEGIES, own_names

AUTO = "auto"
"""The strategy where nobody says one: it is picked, and kept with the study, which goes on with that."""
PRUNING = "pruning"
"""The only strategy with a pruner, so that whoever says a pruner means it."""
NAMES = ("strategy", "sampler", "pruner")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The strategy of a search by name, its sampler, and its pruner where it takes one.

    `picked` says why `auto` has picked the strategy, "" where it has not.
    """

    strategy: str
    sampler: str
    pruner: str | None = None
    picked: str = ""

    @property
    def words(self) -> str:
        """`strategy pruning, sampler tpe, pruner median`."""
        return ", ".join(f"{name} {value}" for name, value in self.names.items() if value is not None)

    @property
    def names(self) -> dict[str, Any]:
        """The names of the strategy, the sampler and the pruner."""
        return {name: getattr(self, name) for name in NAMES}


def said_in(space: SearchSpace) -> Mapping[str, Any]:
    """What a space says of how it is searched, by the names of SearchSettings."""
    return {entry.key.removeprefix("search."): entry.value for entry in space.apart}


def kept_in(record: StrategyRecord | None) -> Mapping[str, Any]:
    """What a study has kept of its last run, likewise; nothing where it has kept none."""
    return {} if record is None else {name: getattr(record, name) for name in NAMES}


def settle_search(*sources: Mapping[str, Any], auto: Callable[[bool], Pick]) -> SearchSettings:
    """Settle what `sources` say, the strongest first: the flags, the space, the study.

    Each may have a strategy, a sampler and a pruner, None where it says none. A sampler counts beside the strategy that
    its own source names, and so does a pruner; a source with a pruner alone means the strategy that takes one. `auto`
    is asked where a strategy is to be picked, and told whether a pruner is named beside that.

    Raises:
        SpaceError: there is no such strategy, or it takes no pruner and one is given beside it.
    """
    strategy, picked = next(filter(None, map(_meant, sources)), AUTO), ""
    if strategy == AUTO:
        has_pruner = any(each.get("pruner") for each in sources if _meant(each) == AUTO)
        strategy, picked = astuple(auto(has_pruner))
        sources = tuple({**each, "strategy": strategy} if _meant(each) == AUTO else each for each in sources)
    STRATEGIES.check(strategy)
    sampler, pruner = own_names(strategy)
    samplers = (each.get("sampler") for each in sources if each.get("strategy") in (None, strategy))
    pruners = (each.get("pruner") for each in sources if _meant(each) == strategy)
    chosen = next(filter(None, samplers), sampler), next(filter(None, pruners), pruner)
    settings = SearchSettings(strategy, *chosen, picked)
    if pruner is None and settings.pruner is not None:
        raise SpaceError(
            f"pruner {settings.pruner}: strategy {strategy} decides by itself which trials go on\n"
            f"  leave the pruner out, or take strategy {PRUNING}"
        )
    return settings


def _meant(source: Mapping[str, Any]) -> str | None:
    return source.get("strategy") or (PRUNING if source.get("pruner") else None)
