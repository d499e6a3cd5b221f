"""How a study is searched: what the flags, the space file and the study itself say of it, settled in one place."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ...errors import SpaceError
from ...spaces.space import SearchSpace
from ...studies.records.strategy import StrategyRecord
from ..strategy.strategies.registry import STRATEGIES, own_names

STRATEGY = "pruning"
"""The strategy where nobody says one; the only one with a pruner, so that whoever says a pruner means it."""
NAMES = ("strategy", "sampler", "pruner")


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The strategy of a search by name, its sampler, and its pruner where it takes one."""

    strategy: str
    sampler: str
    pruner: str | None = None

    @property
    def words(self) -> str:
        """`strategy pruning, sampler tpe, pruner median`."""
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items() if value is not None)


def said_in(space: SearchSpace) -> Mapping[str, Any]:
    """What a space says of how it is searched, by the names of SearchSettings."""
    return {entry.key.removeprefix("search."): entry.value for entry in space.apart}


def kept_in(record: StrategyRecord | None) -> Mapping[str, Any]:
    """What a study has kept of its last run, likewise; nothing where it has kept none."""
    return {} if record is None else {name: getattr(record, name) for name in NAMES}


def settle_search(*sources: Mapping[str, Any]) -> SearchSettings:
    """Settle what `sources` say, the strongest first: the flags, the space, the study.

    Each may have a strategy, a sampler and a pruner, None where it says none. A sampler counts beside the strategy that
    its own source names, and so does a pruner; a source with a pruner alone means the strategy that takes one.

    Raises:
        SpaceError: there is no such strategy, or it takes no pruner and one is given beside it.
    """
    strategy = next(filter(None, map(_meant, sources)), STRATEGY)
    STRATEGIES.check(strategy)
    sampler, pruner = own_names(strategy)
    samplers = (each.get("sampler") for each in sources if each.get("strategy") in (None, strategy))
    pruners = (each.get("pruner") for each in sources if _meant(each) == strategy)
    settings = SearchSettings(strategy, next(filter(None, samplers), sampler), next(filter(None, pruners), pruner))
    if pruner is None and settings.pruner is not None:
        raise SpaceError(
            f"pruner {settings.pruner}: strategy {strategy} decides by itself which trials go on\n"
            f"  leave the pruner out, or take strategy {STRATEGY}"
        )
    return settings


def _meant(source: Mapping[str, Any]) -> str | None:
    return source.get("strategy") or (STRATEGY if source.get("pruner") else None)
