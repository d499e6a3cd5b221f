"""What is kept of finished trials, whatever their order."""

import random

from hpo.search.strategy.history import Finished, History
from hypothesis import given
from hypothesis import strategies as st

TRIALS = st.builds(
    Finished,
    number=st.integers(0, 10**6),
    params=st.just({}),
    value=st.none() | st.floats(allow_nan=False),
    epoch=st.integers(0, 9),
    complete=st.booleans(),
    violation=st.sampled_from([0.0, 0.0, 1.0, 2.0]),
)


def kept(history: History) -> list[int]:
    return [trial.number for trial in history]


@given(st.lists(TRIALS, unique_by=lambda trial: trial.number, max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_adding_does_not_matter(trials: list[Finished], order: random.Random) -> None:
    one, other = (History("maximize", best=3, newest=5) for _ in range(2))
    for trial in trials:
        one.add(trial)
    order.shuffle(trials)
    for trial in trials:
        other.add(trial)
    assert list(one) == list(other)
    assert len(kept(one)) <= 1 + 3 + 5
    assert kept(one) == sorted(set(kept(one)))


def test_the_first_the_best_and_the_newest_are_kept() -> None:
    values = [5.0, 9.0, 1.0, 8.0, 2.0, 3.0, 4.0]
    for direction, expected in (("maximize", [0, 1, 3, 5, 6]), ("minimize", [0, 2, 4, 5, 6])):
        history = History(direction, best=2, newest=2)
        for number, value in enumerate(values):
            history.add(Finished(number, {}, value))
        assert kept(history) == expected


def test_complete_trials_rank_before_stopped_ones_and_these_before_unusable_ones() -> None:
    history = History("maximize", best=4, newest=1)
    told = {
        10: Finished(10, {}, 0.1),
        11: Finished(11, {}, 0.9, epoch=2, complete=False),
        12: Finished(12, {}, 0.2, epoch=8, complete=False),
        13: Finished(13, {}, 0.99, violation=1.0, complete=False),
        14: Finished(14, {}, None, violation=2.0, complete=False),
        15: Finished(15, {}, None, complete=False),
        16: Finished(16, {}, 0.3, epoch=2, complete=False),
        99: Finished(99, {}, None, violation=3.0, complete=False),
    }
    for trial in told.values():
        history.add(trial)
    assert kept(history) == [10, 11, 12, 16, 99]
