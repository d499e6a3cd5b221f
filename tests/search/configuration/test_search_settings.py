"""Flags, the space and the study say how to search: who wins."""

from dataclasses import replace
from functools import reduce
from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.search_settings import SearchNames, SearchSettings, going_on, settle_search
from hpo.search.strategy.strategies.auto import Facts
from hpo.search.strategy.strategies.registry import own_names
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace
from hpo.studies.records.strategy import StrategyRecord

USUAL = SearchSettings("pruning", "tpe", "median")
RUNGS = SearchSettings("rungs", own_names("rungs")[0])


SPACE = SearchSpace("s", (Float("x", 0.0, 1.0),))
FACTS = {"rungs": Facts(SPACE, trials=50, epochs=8), "pruning": Facts(SPACE, trials=50, epochs=2)}
"""What a strategy is picked by, by the one that is picked."""


def named(*sources: dict[str, Any]) -> SearchNames:
    return reduce(SearchNames.over, (SearchNames(**source) for source in sources), SearchNames())


def settle(*sources: dict[str, Any], pick: str = "rungs") -> SearchSettings:
    settings = settle_search(named(*sources), FACTS[pick])
    return replace(settings, picked=settings.picked and "so")


def test_nobody_says_anything() -> None:
    assert settle({}, {}, {}) == settle() == SearchSettings("rungs", RUNGS.sampler, None, "so")
    assert settle(pick="pruning") == SearchSettings("pruning", "tpe", "median", "so")
    assert USUAL.words == "strategy pruning, sampler tpe, pruner median"


def test_few_trials_of_folds_are_compared_by_pairs() -> None:
    few = Facts(SPACE, trials=5, epochs=5, folds=5)
    assert replace(settle_search(SearchNames(), few), picked="") == SearchSettings("pruning", "tpe", "wilcoxon")
    assert settle_search(SearchNames(pruner="median"), few).pruner == "median"
    assert settle_search(SearchNames("rungs"), few).pruner is None


def test_flags_win_over_the_space_and_the_space_over_the_study() -> None:
    flags, space, study = {"sampler": "qmc"}, {"sampler": "random", "pruner": "asha"}, {"pruner": "none"}
    assert settle(flags, space, study) == SearchSettings("pruning", "qmc", "asha")
    assert settle({}, space, study) == SearchSettings("pruning", "random", "asha")
    assert settle({"sampler": None, "pruner": None}, {}, study) == SearchSettings("pruning", "tpe", "none")
    assert settle({"sampler": "qmc"}) == SearchSettings("rungs", "qmc", None, "so")


def test_what_stands_beside_another_strategy_falls_away() -> None:
    study = {"strategy": "pruning", "sampler": "random", "pruner": "asha"}
    assert settle({"strategy": "rungs"}, {}, study) == RUNGS
    assert settle({"strategy": "rungs"}, {"sampler": "qmc", "pruner": "asha"}, study) == SearchSettings("rungs", "qmc")
    assert settle({"sampler": "qmc"}, {"strategy": "rungs"}, study) == SearchSettings("rungs", "qmc")


def test_a_pruner_alone_means_the_strategy_that_takes_one() -> None:
    assert settle({"pruner": "asha"}, {}, {"strategy": "rungs"}) == SearchSettings("pruning", "tpe", "asha")


def test_a_study_goes_on_with_its_own() -> None:
    record = StrategyRecord("rungs", "qmc", one_in=(4, 4), rungs=(1, 4))
    assert settle_search(going_on(named(), record), FACTS["pruning"]) == SearchSettings("rungs", "qmc")
    assert going_on(named(), None) == named()


@pytest.mark.parametrize("names", [{}, {"strategy": "auto"}])
def test_what_was_picked_for_a_study_stays(names: dict[str, Any]) -> None:
    record = StrategyRecord("rungs", "qmc", one_in=(4, 4), rungs=(1, 4), picked=True)
    assert settle_search(going_on(named(names), record), FACTS["pruning"]) == SearchSettings("rungs", "qmc")
    assert going_on(named({"strategy": "auto", "pruner": "asha"}), record).pruner == "asha"
    chosen = replace(record, picked=False)
    assert going_on(named({"strategy": "auto"}), chosen).strategy == "auto", "a pick is asked for anew"


def test_auto_is_what_it_picks() -> None:
    assert settle({"strategy": "auto"}) == SearchSettings("rungs", RUNGS.sampler, None, "so")
    assert settle({}, {"strategy": "auto", "sampler": "qmc"}) == SearchSettings("rungs", "qmc", None, "so")
    assert settle({"strategy": "auto", "pruner": "asha"}) == SearchSettings("pruning", "tpe", "asha", "so")
    assert settle({"strategy": "pruning"}, {"strategy": "auto"}) == USUAL


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"--strategy: unknown strategy 'prunin'; did you mean pruning\?"):
        named({"strategy": "prunin"}).check()
    with pytest.raises(SpaceError, match="pruner asha: strategy rungs decides by itself which trials go on"):
        named({"strategy": "rungs", "pruner": "asha"}).check()
    named({"strategy": "auto", "pruner": "asha"}, {"strategy": "rungs"}).check()
