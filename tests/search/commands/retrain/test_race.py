"""The race itself: who runs on, who is stopped, who wins, and what is kept of it."""

from collections.abc import Callable, Mapping, Sequence

import pytest
from hpo.search.commands.retrain.race import Fresh, Judge, Runner, race, stop_below
from hpo.studies.records.summarise import summarise
from hpo.studies.records.trial import TrialRecord
from hpo.studies.store.storage import open_existing
from hpo.training.config import ObjectiveConfig

from .conftest import Book

ACCURACY = Judge(ObjectiveConfig(), step=0.001, overlap=0.125)
LOSS = Judge(ObjectiveConfig.model_validate({"metric": "val_loss"}), step=0.001, overlap=0.125)

Run = Callable[..., list[Runner]]


@pytest.fixture
def run(book: Book) -> Run:
    """A race of trials that the search saw as the first values say, with the fresh values of each."""

    def run(
        selected: Sequence[float], fresh: Mapping[int, Sequence[float | None]], judge: Judge = ACCURACY, seeds: int = 4
    ) -> list[Runner]:
        for value in selected:
            book.add(value)
        records = summarise(open_existing(None, book.home), "digits").trials

        def train(record: TrialRecord, repetition: int) -> Fresh:
            value = fresh[record.number][repetition - 1]
            return Fresh(value) if value is not None else Fresh(None, "diverged")

        return race(records, seeds, judge, train, notes.append)

    notes: list[str] = []
    return run


def counts(runners: Sequence[Runner]) -> list[int]:
    return [len(runner.values) for runner in runners]


def test_who_is_far_behind_is_stopped_and_the_last_one_runs_to_the_end(run: Run) -> None:
    runners = run([0.95, 0.94, 0.93], {0: [0.70, 0.71], 1: [0.90, 0.91, 0.92, 0.90], 2: [0.60, 0.62]})
    assert counts(runners) == [2, 4, 2]
    first, second, third = ACCURACY.entries(runners)
    assert (first.outcome, second.outcome, third.outcome) == ("stopped", "won", "stopped")
    assert second.mean == pytest.approx(0.9075)
    assert second.optimism == pytest.approx(0.94 - 0.9075)
    assert second.interval is not None
    assert second.interval[0] < 0.9075 < second.interval[1] <= 1
    assert sum(entry.probability or 0 for entry in (first, second, third)) == pytest.approx(1)


def test_who_is_close_runs_to_the_end(run: Run) -> None:
    runners = run([0.95, 0.94], {0: [0.90, 0.91, 0.89, 0.92], 1: [0.91, 0.90, 0.91, 0.90]})
    assert counts(runners) == [4, 4]
    assert sorted(entry.outcome for entry in ACCURACY.entries(runners)) == ["lost", "won"]


def test_less_is_better_where_the_objective_says_so(run: Run) -> None:
    runners = run([0.10, 0.12], {0: [0.90, 0.91], 1: [0.11, 0.12, 0.13, 0.12]}, LOSS)
    lucky, winner = LOSS.entries(runners)
    assert (lucky.outcome, winner.outcome) == ("stopped", "won")
    assert lucky.optimism is not None
    assert lucky.optimism > 0.7, "it looked better than it is"
    assert winner.interval is not None
    assert winner.interval[0] >= 0


def test_a_loss_may_be_more_than_one(run: Run) -> None:
    entry = LOSS.entries(run([1.5], {0: [2.0, 2.1, 2.2, 2.3]}, LOSS))[0]
    assert entry.interval is not None
    assert entry.interval[1] > 2.15


def test_who_fails_is_out_with_what_it_had(run: Run) -> None:
    runners = run([0.95, 0.94], {0: [0.99, None], 1: [0.8, 0.8, 0.8, 0.8]})
    failed, winner = ACCURACY.entries(runners)
    assert (failed.outcome, failed.failure, failed.values, failed.probability) == ("failed", "diverged", (0.99,), 0)
    assert (winner.outcome, winner.probability) == ("won", 1)


def test_who_fails_at_once_has_nothing_to_show(run: Run) -> None:
    failed, winner = ACCURACY.entries(run([0.95, 0.94], {0: [None], 1: [0.8, 0.8, 0.8, 0.8]}))
    assert (failed.outcome, failed.mean, failed.optimism, failed.probability) == ("failed", None, None, None)
    assert winner.outcome == "won"


def test_nobody_wins_where_all_fail(run: Run) -> None:
    runners = run([0.95, 0.94], {0: [None], 1: [0.9, None]})
    assert ACCURACY.winner(runners) is None
    assert counts(runners) == [0, 1]


def test_many_equal_ones_are_not_stopped_for_being_many(run: Run) -> None:
    assert stop_below(30) < 1 / 30
    runners = run([0.95] * 30, {number: [0.90, 0.91, 0.92, 0.90] for number in range(30)})
    assert all(runner.is_running for runner in runners)
