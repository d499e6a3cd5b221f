"""The ranking at a rung, against what it says of itself."""

from hpo.search.strategy.ranks import Ranks
from hypothesis import given
from hypothesis import strategies as st

SCORES = st.lists(st.integers(0, 4).map(float), max_size=12)
NUMBERS = st.sets(st.integers(0, 11))


def ranked(scores: list[float], gone: set[int]) -> tuple[Ranks, list[int]]:
    """Ranks of trials that have come in turn, of which those that are `gone` have left; and their right order."""
    ranks = Ranks()
    for trial, score in enumerate(scores):
        ranks.add(trial, score)
    for trial in gone:
        ranks.leave(trial)
    return ranks, in_order(scores)


def in_order(scores: list[float]) -> list[int]:
    return sorted(range(len(scores)), key=lambda trial: (-scores[trial], trial))


@given(SCORES, NUMBERS, st.lists(st.tuples(st.integers(0, 12), NUMBERS), max_size=4))
def test_hopeful_trials_from_a_rank_on_are_given_up_once(
    scores: list[float], gone: set[int], asked: list[tuple[int, set[int]]]
) -> None:
    ranks, order = ranked(scores, gone)
    given_up = set(gone)
    for rank, among in asked:
        expected = [trial for trial in order[rank:] if trial in among - given_up]
        assert list(ranks.give_up(rank, among)) == expected
        given_up.update(expected)
    resting = [(trial, rank) for rank, trial in enumerate(order) if trial not in gone]
    assert list(ranks.best(range(12))) == resting, "who is given up rests all the same"


@given(SCORES.filter(bool), st.integers(0, 12), st.integers(0, 12))
def test_a_trial_that_comes_later_pushes_worse_ones_down(scores: list[float], rank: int, later: int) -> None:
    ranks = Ranks()
    for trial, score in enumerate(scores[:later]):
        ranks.add(trial, score)
    named = list(ranks.give_up(rank, range(12)))
    for trial, score in enumerate(scores[later:], start=later):
        assert ranks.add(trial, score) == ranks.rank(trial)
    named += ranks.give_up(rank, range(12))
    assert sorted(named) == sorted(in_order(scores)[rank:])


@given(SCORES, NUMBERS, st.integers(0, 12), st.integers(0, 12))
def test_who_rests_and_who_has_left_is_told_of_any_ranks(
    scores: list[float], gone: set[int], first: int, end: int
) -> None:
    ranks, order = ranked(scores, gone)
    first, end = sorted((min(first, len(order)), min(end, len(order))))
    assert list(ranks) == order
    assert ranks.between(first, end) == [trial for trial in order[first:end] if trial not in gone]
    assert ranks.count_left(first, end) == len(gone & set(order[first:end]))
