"""Flags, the space and the study say how to search: who wins."""

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.search_settings import SearchSettings, settle_search

USUAL = SearchSettings("pruning", "tpe", "median")


def test_nobody_says_anything() -> None:
    assert settle_search({}, {}, {}) == settle_search() == USUAL
    assert USUAL.words == "strategy pruning, sampler tpe, pruner median"


def test_flags_win_over_the_space_and_the_space_over_the_study() -> None:
    flags, space, study = {"sampler": "qmc"}, {"sampler": "random", "pruner": "asha"}, {"pruner": "none"}
    assert settle_search(flags, space, study) == SearchSettings("pruning", "qmc", "asha")
    assert settle_search({}, space, study) == SearchSettings("pruning", "random", "asha")
    assert settle_search({"sampler": None, "pruner": None}, {}, study) == SearchSettings("pruning", "tpe", "none")


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(SpaceError, match=r"--strategy: unknown strategy 'prunin'; did you mean pruning\?"):
        settle_search({"strategy": "prunin"})
