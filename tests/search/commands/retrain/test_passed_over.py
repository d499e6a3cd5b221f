"""Trials that another program ran: they are in the study, and have no configuration to train again."""

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.commands.retrain.choose import choose
from hpo.search.commands.retrain.options import RetrainOptions
from optuna.trial import TrialState, create_trial

from .conftest import Book, Retrain


def add_theirs(book: Book, *values: float, state: TrialState = TrialState.COMPLETE) -> None:
    for value in values:
        book._study.add_trial(create_trial(value=value, state=state))


def choice(book: Book, **options: object) -> RetrainOptions:
    return RetrainOptions(home=book.home.root, **options)


def test_the_best_that_hpo_ran_is_trained_and_the_others_are_named(book: Book, retrain: Retrain) -> None:
    add_theirs(book, 0.99)
    book.add(0.8)
    book.add(0.9)
    add_theirs(book, 0.95, 0.85)
    result, watcher = retrain()
    assert result.manifest.trial == 2
    line = "passed over, not run by hpo: trial 0 (0.9900), 3 (0.9500)"
    assert watcher.notes.count(line) == 1
    assert watcher.notes[0] == line, "before hours are spent"


def test_nothing_is_said_where_nothing_is_passed_over(book: Book) -> None:
    book.add(0.9)
    add_theirs(book, 0.8)
    assert choose(choice(book), book.home).notes == ()


def test_whoever_names_a_trial_is_told_of_no_other(book: Book) -> None:
    book.add(0.5)
    add_theirs(book, 0.9)
    assert choose(choice(book, trial=0), book.home).notes == ()


@pytest.mark.parametrize("state", [TrialState.COMPLETE, TrialState.PRUNED])
def test_a_trial_of_theirs_that_is_named_is_refused(book: Book, state: TrialState) -> None:
    book.add(0.5)
    add_theirs(book, 0.9, state=state)
    with pytest.raises(StudyError, match=r"^trial 1 of study digits was not run by hpo, so that there is no configur"):
        choose(choice(book, trial=1), book.home)


def test_a_study_with_nothing_but_theirs_says_so(book: Book) -> None:
    add_theirs(book, 0.9, 0.8)
    with pytest.raises(StudyError, match=r"has no complete trial that hpo ran, but 2 complete; `hpo run` goes on"):
        choose(choice(book), book.home)


def test_a_running_trial_has_none_yet(book: Book) -> None:
    optuna.load_study(study_name="digits", storage=book._study._storage).ask()
    with pytest.raises(StudyError, match="trial 0 of study digits is running and has no configuration yet"):
        choose(choice(book, trial=0), book.home)
