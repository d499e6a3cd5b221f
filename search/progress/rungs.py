"""Rungs, and who stands where, as a person reads them."""

from collections.abc import Sequence

from ...common.plural import plural
from ...studies.records.rungs import Furthest, Rung, Standing
from ...studies.records.strategy import StrategyRecord
from .format import number_of, params_line

_ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def ordinal(number: int) -> str:
    """`1st`, `12th`, `22nd`."""
    is_teen = number % 100 in (11, 12, 13)
    return f"{number:,}{'th' if is_teen else _ENDINGS.get(number % 10, 'th')}"


def standing_words(standing: Standing) -> str:
    """`paused at rung 1 (epoch 4), 3rd of 17`."""
    return f"paused at rung {standing.rung} ({standing.unit} {standing.epoch}), {_rank(standing)}"


def standing_cell(standing: Standing) -> str:
    """`paused, 3rd of 17`: where that is says the number of its epochs beside it."""
    return f"paused, {_rank(standing)}"


def strategy_line(strategy: StrategyRecord, epochs: int, unit: str = "epoch") -> str:
    """`strategy rungs, sampler forest, the best 1/4 go on after epochs 1 and 4; 61 epochs trained`."""
    return f"strategy {strategy_words(strategy, unit)}; {plural(epochs, 'epoch')} trained"


def strategy_words(strategy: StrategyRecord, unit: str = "epoch") -> str:
    """`rungs, sampler forest, the best 1/4 go on after epochs 1 and 4`.

    Rungs are at the end of a `unit`: an epoch, or a fold.
    """
    parts = [strategy.strategy]
    parts += [f"{kind} {name}" for kind, name in (("sampler", strategy.sampler), ("pruner", strategy.pruner)) if name]
    if strategy.audit:
        parts.append(f"audit {strategy.audit:g}")
    if strategy.rungs:
        parts.append(f"{best_of(strategy.one_in)} go on after {_units(strategy.rungs, unit)}")
    return ", ".join(parts)


def best_of(one_in: Sequence[int]) -> str:
    """`the best 1/4`, of each rung, or `the best 1/16, 1/4 and 1/2` of one after the other; `the best` of no number."""
    shares = [f"1/{each}" for each in (one_in[:1] if len(set(one_in)) == 1 else one_in)]
    return f"the best {_and(shares)}" if shares else "the best"


def rungs_line(rungs: Sequence[Rung]) -> str:
    """`went on: 4 of 17 from epoch 1, 1 of 4 from epoch 4`; empty where no trial has reached a rung."""
    climbed = [
        f"{len(rung.promoted):,} of {rung.reached:,} from {rung.unit} {rung.epoch}" for rung in rungs if rung.reached
    ]
    return f"went on: {', '.join(climbed)}" if climbed else ""


def furthest_line(furthest: Furthest) -> str:
    """What stands in for a best trial, with its value at the rung and its parameters."""
    return ", ".join(
        filter(None, (f"{furthest.words}: {number_of(furthest.value)}", params_line(furthest.trial.params)))
    )


def _units(numbers: Sequence[int], unit: str) -> str:
    return f"{unit}{'s' if len(numbers) > 1 else ''} {_and(list(map(str, numbers)))}"


def _and(words: Sequence[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _rank(standing: Standing) -> str:
    return f"{ordinal(standing.rank)} of {standing.of:,}"
