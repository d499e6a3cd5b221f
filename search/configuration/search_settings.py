"""How a study is searched: what the flags, the space file and the study itself say of it, settled in one place."""

from dataclasses import dataclass, replace
from typing import Any

from ...spaces.space import SearchSpace
from ...studies.records.strategy import StrategyRecord
from ..strategy.strategies.auto import Facts, pick
from ..strategy.strategies.registry import AUTO, check_pruner, own_names

PRUNING = "pruning"
"""The only strategy with a pruner, so that whoever says a pruner means it."""
NAMES = ("strategy", "sampler", "pruner", "audit")


@dataclass(frozen=True, slots=True)
class SearchNames:
    """The names of a strategy, a sampler and a pruner as somebody says them, None for what they leave open.

    `audit` is the share of the trials to be stopped that run on, in [0, 1].
    """

    strategy: str | None = None
    sampler: str | None = None
    pruner: str | None = None
    audit: float | None = None

    def over(self, weaker: "SearchNames") -> "SearchNames":
        """Return these names, and those of `weaker` for what is left open.

        A sampler counts beside the strategy that is named with it, and so does a pruner; a pruner alone means the
        strategy that takes one.
        """
        strategy = self._meant or weaker._meant
        sampler = weaker.sampler if weaker.strategy in (None, strategy) else None
        pruner = weaker.pruner if weaker._meant == strategy else None
        audit = weaker.audit if self.audit is None else self.audit
        return SearchNames(strategy, self.sampler or sampler, self.pruner or pruner, audit)

    def check(self, *, several: bool = False) -> None:
        """Check that they go together, and with `several` objectives.

        Raises:
            SpaceError: there is no such strategy, or it takes no such pruner and one is named.
        """
        if self._meant is not None:
            check_pruner(self._meant, self.pruner, several=several)

    @property
    def _meant(self) -> str | None:
        return self.strategy or (PRUNING if self.pruner else None)


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """The strategy of a search by name, its sampler, and its pruner where it takes one.

    `picked` says why `auto` has picked the strategy, "" where it has not; `audit` is the share of the trials to be
    stopped that run on, None for none.
    """

    strategy: str
    sampler: str
    pruner: str | None = None
    picked: str = ""
    audit: float | None = None

    @property
    def words(self) -> str:
        """`strategy pruning, sampler tpe, pruner median, audit 0.05`."""
        return ", ".join(f"{name} {value}" for name, value in self.names.items() if value is not None)

    @property
    def names(self) -> dict[str, Any]:
        """The names of the strategy, the sampler and the pruner, and the share that is audited."""
        return {name: getattr(self, name) for name in NAMES}


def said_in(space: SearchSpace) -> SearchNames:
    """What a space says of how it is searched."""
    return SearchNames(**{entry.key.removeprefix("search."): entry.value for entry in space.apart})


def settings_in(record: StrategyRecord) -> SearchSettings:
    """The settings of the last run of a study."""
    return SearchSettings(record.strategy, record.sampler, record.pruner or None, audit=record.audit or None)


def kept_in(record: StrategyRecord | None) -> SearchNames:
    """What a study has kept of its last run; nothing where it has kept none."""
    if record is None:
        return SearchNames()
    return SearchNames(record.strategy, record.sampler, record.pruner, record.audit or None)


def going_on(names: SearchNames, record: StrategyRecord | None) -> SearchNames:
    """What `names`, those of a command and its space, say for a study that has kept `record`.

    What was picked for it once stays: there `auto` says no more than nothing.
    """
    if record is not None and record.picked and names.strategy == AUTO and names.pruner is None:
        names = replace(names, strategy=None)
    return names.over(kept_in(record))


def settle_search(names: SearchNames, facts: Facts) -> SearchSettings:
    """Settle what `names` leave open: the strategy is picked by `facts`, sampler and pruner are its own.

    Raises:
        SpaceError: there is no such strategy.
    """
    strategy, picked = names.strategy, ""
    if strategy in (None, AUTO):
        choice = pick(replace(facts, has_pruner=names.pruner is not None))
        strategy, picked = choice.strategy, choice.why
    sampler, pruner = own_names(strategy, several=facts.several)
    if strategy == PRUNING and not facts.several:
        pruner = facts.pruner or pruner
    return SearchSettings(strategy, names.sampler or sampler, names.pruner or pruner, picked, names.audit or None)
