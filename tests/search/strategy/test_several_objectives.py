"""Strategies of several objectives: rungs rank by fronts, samplers propose, and what cannot be is refused."""

import random

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.base import BEGIN, GO, WAIT, Pause, Resume
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.front_ranks import FrontRanks
from hpo.search.strategy.history import Finished, History
from hpo.search.strategy.proposers.standing import Standing
from hpo.search.strategy.rehearsal import rehearse
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.strategies.learned_rungs import LearnedPromotion
from hpo.search.strategy.strategies.narrow_rungs import narrow_promotion
from hpo.search.strategy.strategies.rungs import even_promotion
from hpo.search.strategy.strategy import Strategy, build_strategy
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import SearchSpace
from hpo.studies.book.terms import Row

SPACE = SearchSpace("s", (Float("x", 0.0, 1.0), Choice("c", ("a", "b"))))


def made(strategy: str = "rungs", sampler: str | None = "random", trials: int | None = 16) -> Strategy:
    names = {"strategy": strategy, "sampler": sampler, "pruner": None}
    return build_strategy(SPACE, **names, seed=0, direction="maximize", epochs=8, trials=trials, others=["minimize"])


def curves() -> Curves:
    return Curves("maximize", 8, ["minimize"])


def test_a_rung_is_ranked_by_fronts_whatever_came_first() -> None:
    points = {0: (0.9, -9.0), 1: (0.5, -1.0), 2: (0.4, -2.0), 3: (0.8, -3.0), 4: (0.3, -9.0)}
    orders = set()
    for order in ([*points], [*reversed(points)], [3, 1, 4, 0, 2]):
        ranks = FrontRanks()
        for trial in order:
            ranks.add(trial, points[trial])
        orders.add((*ranks,))
        assert ranks.front == 3
    assert orders == {(0, 1, 3, 2, 4)}


def test_what_no_other_dominates_goes_to_the_end_once_nothing_is_left_to_begin() -> None:
    strategy = made()
    rows = [
        Row(number, 1, value, (cost,)) for number, (value, cost) in enumerate([(0.9, 9), (0.5, 1), (0.7, 3), (0.6, 4)])
    ]
    decided = strategy.decide(rows)
    assert decided.keys() == {0, 1, 2, 3} - {number for number in range(4) if number not in decided}
    paused, went_on = {*decided}, {*range(4)} - {*decided}
    while (choice := strategy.choose(paused, (), can_begin=False, is_idle=True)) != WAIT:
        assert isinstance(choice, Resume)
        paused.remove(choice.number)
        went_on.add(choice.number)
        # it is no better at the next rung than it was here, and comes to its end from there
        strategy.decide([Row(choice.number, epoch, 0.9, (1.0,)) for epoch in range(2, 9)])
    assert went_on == {0, 1, 2}
    assert paused == {3}  # 2 is better in both


@pytest.mark.parametrize("make", [even_promotion, narrow_promotion])
def test_the_same_record_makes_the_same_decisions(make: object) -> None:
    assert callable(make)
    random_numbers = random.Random(3)
    record = [(t, e, random_numbers.random(), random_numbers.randint(1, 5)) for e in (1, 2, 3, 4) for t in range(12)]
    answers = []
    for _ in range(2):
        promotion, seen = make([1, 4], 12, FrontRanks), curves()
        decisions = []
        for trial, epoch, value, cost in record:
            seen.report(trial, epoch, value, [cost])
            decisions.append(promotion.on_report(seen, trial))
        answers.append(decisions)
    assert answers[0] == answers[1]
    assert {type(decision) for decision in answers[0]} == {type(GO), Pause}


def test_learned_rungs_rank_by_fronts_too() -> None:
    promotion, seen = LearnedPromotion([1], 2, None, FrontRanks), curves()
    for trial in range(9):
        seen.report(trial, 1, trial / 10, [trial])
        promotion.on_report(seen, trial)
        seen.report(trial, 2, trial / 10, [trial])
        promotion.on_report(seen, trial)
    assert 0 < promotion.share(0) <= 1 / 3
    assert promotion.choose(seen, {1, 2}, can_begin=True, is_idle=False) in (BEGIN, Resume(1), Resume(2))


@pytest.mark.parametrize("sampler", ["grid:9", *sorted({*SAMPLERS.names()} - {"cmaes", "grid"})])
def test_samplers_learn_from_all_objectives(sampler: str) -> None:
    """From what was complete, stopped, broken by a limit, and from another program's trial without further values."""
    strategy, told = made("rungs", sampler, trials=None), []
    for number in range(14):
        params = strategy.propose(number, {}, {})
        assert params is not None
        others = () if number == 5 else (float(number % 4),)
        value = None if number == 6 else number / 14
        ended = Finished(number, params, value, 8, number % 3 > 0, violation=float(number == 7), others=others)
        strategy.tell(ended)
        told.append(ended)
    again = made("rungs", sampler, trials=None)
    for ended in reversed(told):
        again.tell(ended)
    assert again.propose(14, {}, {}) == strategy.propose(14, {}, {})


def test_the_history_keeps_the_front() -> None:
    history = History("maximize", best=2, newest=1, others=["minimize"])
    for number, (value, cost) in enumerate([(0.1, 9.0), (0.9, 5.0), (0.2, 0.1), (0.8, 6.0), (0.1, 8.0)]):
        history.add(Finished(number, {}, value, others=(cost,)))
    assert [trial.number for trial in history] == [0, 1, 2, 4]  # the first, the front, the newest


def test_trials_that_came_as_far_stand_by_fronts() -> None:
    seen = curves()
    standing = Standing(seen)
    for number, (value, cost) in enumerate([(0.5, 5.0), (0.6, 9.0), (0.4, 6.0), (0.7, 1.0)]):
        standing.end(Finished(number, {}, value, 8, others=(cost,)))
    standing.end(Finished(4, {}, 0.99, 2, complete=False, others=(0.1,)))
    assert standing.at(range(5)) == [3, 0, 1, 2, 4]
    seen.report(9, 3, 0.9, [0.2])
    standing.follow({9})
    assert standing.at(range(6)) == [3, 0, 1, 2, 9, 4]


def test_what_compares_one_number_is_refused() -> None:
    with pytest.raises(SpaceError, match="sampler cmaes takes one objective, got 2"):
        rehearse(SPACE, "cmaes", "none", ["minimize"])
    rehearse(SPACE, "tpe", "none", ["minimize"])
    assert made("pruning", None).rungs == ()
