"""What is expected of paused trials, from those that are complete."""

import math

import pytest
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.outlook import ENOUGH, Outlook
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace

EPOCHS = 10
SPACE = SearchSpace("s", (Float("x", 0.0, 1.0),))


def order(ends: dict[float, float], first: dict[float, float], has_params: bool = True) -> list[float]:
    """The first scores of paused trials, which are given by x, in the order in which they go on."""
    curves = Curves("maximize", EPOCHS)
    params = {}
    for trial, (score, end) in enumerate(ends.items()):
        curves.report(trial, 1, score)
        curves.report(trial, EPOCHS, end)
        params[trial] = {"x": 0.5}
    waiting = {}
    for trial, (x, score) in enumerate(first.items(), len(ends)):
        curves.report(trial, 1, score)
        waiting[trial] = score
        params |= {trial: {"x": x}} if has_params else {}
    outlook, paused, went_on = Outlook(SPACE, curves, params), set(waiting), []
    while paused:
        went_on.append(best := outlook.best(paused))
        paused.remove(best)
    return [waiting[trial] for trial in went_on]


PAUSED = {0.1: 0.15, 0.2: 0.95, 0.3: 0.55, 0.4: -math.inf}


def test_the_better_ones_go_on_first_where_that_has_proved_right_and_the_worse_ones_where_not() -> None:
    scores = [place / 20 for place in range(20)]
    assert order({score: score for score in scores}, PAUSED) == [0.95, 0.55, 0.15, -math.inf]
    assert order({score: -score for score in scores}, PAUSED) == [0.15, 0.55, 0.95, -math.inf]


def test_before_enough_are_complete_the_better_ones_go_on_first() -> None:
    assert order({place / 20: -place / 20 for place in range(ENOUGH - 1)}, PAUSED) == [0.95, 0.55, 0.15, -math.inf]


def test_a_configuration_tells_more_than_a_score_that_tells_nothing() -> None:
    curves = Curves("maximize", EPOCHS)
    params = {}
    for trial in range(40):
        x = trial / 40
        params[trial] = {"x": x}
        curves.report(trial, 1, 0.5)
        curves.report(trial, EPOCHS, -abs(x - 0.3))
    for trial, (x, score) in enumerate([(0.9, 0.5), (0.31, 0.5), (0.6, 0.5)], 40):
        params[trial] = {"x": x}
        curves.report(trial, 1, score)
    assert Outlook(SPACE, curves, params).best({40, 41, 42}) == 41


@pytest.mark.parametrize("complete", [0, 20])
def test_the_nearest_to_the_end_go_first_and_what_is_unknown_last(complete: int) -> None:
    went_on = order({place / 20: place / 20 for place in range(complete)}, PAUSED, has_params=False)
    assert sorted(went_on) == sorted(PAUSED.values())
    curves = Curves("maximize", EPOCHS)
    for trial, epochs in enumerate((1, 4, 1)):
        for epoch in range(1, epochs + 1):
            curves.report(trial, epoch, 0.5 if trial else 0.9)
    assert Outlook(SPACE, curves, {0: {"x": 0.1}, 2: {"x": 0.2}}).best({0, 1, 2}) == 1
    assert Outlook(SPACE, curves, {2: {"x": 0.2}}).best({0, 2}) == 2
