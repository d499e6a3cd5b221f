"""Which trials of a study are of a space that was changed under them."""

from hpo.search.configuration.old_trials import old_trials_note
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import SearchSpace

SPACE = SearchSpace("s", (Float("lr", 0.001, 0.1, log=True), Choice("size", (32, 64)), Float("new", 0.0, 1.0)))


def test_nothing_is_said_where_all_are_of_the_space() -> None:
    assert old_trials_note(SPACE, {0: {"lr": 0.01, "size": 32}, 1: {"lr": 0.1, "size": 64, "gone": 3}}) == ""
    assert old_trials_note(SPACE, {}) == ""


def test_those_that_are_not_are_named_by_dimension() -> None:
    trials = {number: {"lr": 0.5 if number % 2 else 0.01, "size": 128 if number == 1 else 32} for number in range(14)}
    assert old_trials_note(SPACE, trials) == (
        "7 of 14 trials are of the changed space, and samplers learn from these; all are kept: "
        "lr is not of 0.001 to 0.1, log in trials 1, 3, 5, 7, 9 and 2 more; size is not of 32, 64 in trial 1"
    )
