"""A winner is retrained as its trial was up to the epoch that counts: epoch by epoch at the same learning rates."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError, TrainingError
from hpo.search.commands.retrain.choose import Chosen, choose
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.studies.home import Home
from hpo.training.config import TrialConfig
from hpo.training.optim.config import Piecewise
from hpo.training.report import TrainResult

from .conftest import Book, Retrain, searched, trained

Make = Callable[..., TrialConfig]

SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {"name": "constant", "warmup": 0.2},
    "step": {"name": "step", "drops": 3},
    "cosine": {"name": "cosine", "warmup": 0.1, "final": 0.01},
    "one_cycle": {"name": "one_cycle"},
    "plateau of the loss": {"name": "plateau", "metric": "val_loss", "patience": 1, "gamma": 0.5},
    "plateau of accuracy": {"name": "plateau", "metric": "val_accuracy", "patience": 1, "gamma": 0.3, "warmup": 0.2},
    "plateau of training": {"name": "plateau", "metric": "train_loss", "patience": 1, "min_delta": 0.2},
    "piecewise": {"name": "piecewise", "factors": [1.0, 0.5, 0.1]},
}
OBJECTIVES: dict[str, dict[str, Any]] = {
    "the best accuracy": {"metric": "val_accuracy", "at": "best"},
    "the least loss": {"metric": "val_loss", "direction": "minimize", "at": "best"},
    "the last calibration error": {"metric": "val_ece", "direction": "minimize", "at": "last"},
}
EPOCHS = 8


def chosen_of(home: Home, **options: Any) -> Chosen:
    return choose(RetrainOptions(home=home.root, study="s", **options), home)


def rates(result: TrainResult) -> list[float]:
    return [report.metrics["lr"] for report in result.history]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("patience", [None, 2])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_rates_by_epoch_are_equal_up_to_the_one_that_counts(
    schedule: str, patience: int | None, objective: str, few: Path, small_config: Make, home: Home, tmp_path: Path
) -> None:
    config = small_config(
        objective=OBJECTIVES[objective],
        data={"source": "digits", "batch_size": 64},
        model={"name": "simple_cnn", "width": 4},
        optimizer={"name": "sgd", "lr": 0.5},
        schedule=SCHEDULES[schedule],
        budget={"epochs": EPOCHS, "patience": patience},
    )
    trial = searched(config, few, home)
    assert trial.best is not None
    chosen = chosen_of(home)
    again = trained(chosen.config, few, tmp_path / "again", fit_on="train_and_val", last_epoch=chosen.last_epoch)
    assert len(again.history) == chosen.epochs == trial.best.epoch
    assert rates(again) == rates(trial)[: trial.best.epoch]
    assert chosen.validated == trial.best.metrics


def test_a_plateau_is_kept_as_the_falls_that_it_brought(few: Path, small_config: Make, home: Home) -> None:
    schedule = {"name": "plateau", "metric": "train_loss", "patience": 1, "min_delta": 10.0, "gamma": 0.5}
    trial = searched(small_config(schedule={**schedule, "warmup": 0.25}, budget={"epochs": 4}), few, home)
    assert trial.lr_factors == (1.0, 1.0, 0.5, 0.25)
    replayed = chosen_of(home).config.schedule
    assert replayed == Piecewise(warmup=0.25, factors=(1.0, 1.0, 0.5, 0.25))


def test_a_plateau_that_is_not_known_yet_is_not_guessed(book: Book) -> None:
    book.add(0.9, schedule={"name": "plateau"})
    with pytest.raises(StudyError, match="trial 0 of study digits is complete; the learning rates that its plateaus"):
        choose(RetrainOptions(home=book.home.root), book.home)


def test_plateaus_of_validation_cannot_be_followed_without_it(few: Path, small_config: Make, tmp_path: Path) -> None:
    config = small_config(schedule={"name": "plateau"})
    with pytest.raises(TrainingError, match="plateau follows val_loss, which a training on all images does not have"):
        trained(config, few, tmp_path, fit_on="train_and_val")


@pytest.mark.parametrize("state", [optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED])
def test_no_trial_is_trained_past_the_epoch_that_won(state: optuna.trial.TrialState, book: Book) -> None:
    book.add(
        0.9 if state is optuna.trial.TrialState.COMPLETE else None, state=state, best_epoch=2, budget={"epochs": 6}
    )
    chosen = choose(RetrainOptions(home=book.home.root, trial=0), book.home)
    assert (chosen.last_epoch, chosen.epochs, chosen.config.budget.epochs) == (2, 2, 6)
    assert chosen.validated == {"val_accuracy": 0.9}


@pytest.mark.parametrize("epochs", [2, 6, 9])
def test_validation_numbers_of_another_training_describe_nothing(epochs: int, book: Book) -> None:
    """Two epochs of a schedule of two are not the first two of six."""
    book.add(0.9, best_epoch=2, epochs=6, budget={"epochs": 6})
    chosen = choose(RetrainOptions(home=book.home.root, epochs=epochs), book.home)
    assert chosen.epochs == chosen.config.budget.epochs == epochs
    assert chosen.validated == {}


@pytest.mark.slow
def test_a_manifest_has_them_of_its_own_epoch_alone(book: Book, retrain: Retrain, tmp_path: Path) -> None:
    book.add(0.9, epochs=2, best_epoch=1)
    own, notes = retrain()
    assert notes.epochs == [1]
    assert (own.manifest.metrics.val_accuracy, own.manifest.training.epochs) == (0.9, 1)
    other, _ = retrain(epochs=2, out=tmp_path / "other")
    assert (other.manifest.metrics.val_accuracy, other.manifest.training.epochs) == (None, 2)
    assert (own.manifest.selection is None, other.manifest.selection) == (False, None)


def test_a_longer_retraining_is_not_taken_for_a_shorter_one(few: Path, small_config: Make, tmp_path: Path) -> None:
    """What another version, or `--epochs`, has left in the folder ended at another epoch."""
    config = small_config(budget={"epochs": 4})
    trained(config, few, tmp_path, fit_on="train_and_val")
    assert len(trained(config, few, tmp_path, fit_on="train_and_val", last_epoch=2).history) == 2
