"""A search with rungs that ended before any trial had run to its end."""

from collections.abc import Callable, Sequence

import pytest
from hpo.errors import StudyError
from hpo.search.commands.retrain.choose import Chosen, choose
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.studies import attributes
from hpo.studies.records.strategy import StrategyRecord
from optuna.trial import TrialState

from .conftest import Book, Retrain

WORDS = (
    "no trial has run to its end; trial 1 is the best of the 2 that reached epoch 2 (value 0.5000), "
    "and is trained to epoch 8"
)

Pause = Callable[[Sequence[float]], None]


@pytest.fixture
def pause(book: Book) -> Pause:
    """Adds a trial of 8 epochs that is paused at the rung after so many."""
    strategy = StrategyRecord("rungs", "forest", one_in=(4, 4), rungs=(1, 2))
    book._study.set_user_attr(attributes.STRATEGY, strategy.to_attribute())

    def pause(curve: Sequence[float]) -> None:
        notes = {attributes.PAUSED: {"rung": len(curve) - 1}}
        book.add(None, state=TrialState.RUNNING, epochs=len(curve), curve=curve, notes=notes, budget={"epochs": 8})

    return pause


def chosen(book: Book, **options: object) -> Chosen:
    return choose(RetrainOptions(home=book.home.root, **options), book.home)


def test_the_furthest_is_taken_to_its_end_and_that_is_said(book: Book, pause: Pause, retrain: Retrain) -> None:
    for curve in ([0.3, 0.4], [0.2, 0.5], [0.9]):
        pause(curve)
    found = chosen(book)
    assert (found.record.number, found.epochs, found.last_epoch, found.validated) == (1, 8, None, {})
    assert found.candidates == 3
    assert found.notes == (WORDS,)
    _, notes = retrain(epochs=1)
    assert notes.notes[0] == WORDS.replace("epoch 8", "epoch 1"), "before hours are spent"


def test_one_that_was_pruned_as_the_study_ended_is_trained_to_its_end_too(book: Book, pause: Pause) -> None:
    pause([0.1])
    book.add(0.5, state=TrialState.PRUNED, epochs=2, budget={"epochs": 8})
    assert (chosen(book).record.number, chosen(book).epochs) == (1, 8)
    assert (chosen(book, trial=1).epochs, chosen(book, trial=1).notes) == (2, ())


def test_a_trial_that_was_cut_short_was_no_rival(book: Book) -> None:
    book.add(0.9)
    for status in ("stopped", "diverged", "violated", "out_of_memory"):
        book.add(0.5, state=TrialState.PRUNED, notes={attributes.STATUS: status})
    assert chosen(book).candidates == 2


def test_a_paused_trial_that_is_named_is_trained_to_its_end(book: Book, pause: Pause) -> None:
    book.add(0.9)
    pause([0.1])
    assert (chosen(book, trial=1).epochs, chosen(book, trial=1).notes) == (8, ())
    assert (chosen(book).record.number, chosen(book).notes) == (0, ())


def test_without_rungs_nobody_is_chosen_for_having_come_far(book: Book) -> None:
    book.add(0.5, state=TrialState.PRUNED)
    with pytest.raises(StudyError, match="has no complete trial, but 1 pruned; --trial 0 takes one all the same") as no:
        chosen(book)
    assert "\n  `hpo run` goes on with the search, given a larger --trials, --max-epochs-total" in str(no.value)
