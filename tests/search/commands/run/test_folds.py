"""A search with folds: what the study keeps of its trials, what is shown, and what is made of its winner."""

from pathlib import Path

import pytest
from hpo.common.folds import values_of_folds
from hpo.search.api import run
from hpo.search.cli.study_views import study_view, trial_view
from hpo.search.commands.evaluate.evaluate import evaluate
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.search.commands.replay.options import ReplayOptions
from hpo.search.commands.replay.replay import replay
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import retrain_best
from hpo.search.commands.train.options import TrainOptions
from hpo.search.commands.train.train import train
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.study import StudySummary
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_existing
from rich.console import Console

from ..notes import Notes

pytestmark = pytest.mark.usefixtures("warm_children")
FOLDS, EPOCHS, IMAGES = 3, 2, 60
SMALL = ("model.width=4", "data.batch_size=16", f"data.folds={FOLDS}", f"data.max_train={IMAGES}")
SEARCH = {"space": "simple_cnn", "data": "digits", "overrides": SMALL, "epochs": EPOCHS, "tracking_uri": "none"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of eight trials, most of which are stopped after the first of three folds."""
    home = tmp_path_factory.mktemp("folds") / "runs"
    run(**SEARCH, trials=8, executor="inline", home=home)
    return home


@pytest.fixture(scope="module")
def summary(home: Path) -> StudySummary:
    return summarise(open_existing(None, Home(home)), "simple_cnn")


def shown(view: object) -> str:
    console = Console(width=150, record=True)
    console.print(view)
    return console.export_text()


def test_a_trial_is_the_mean_over_its_folds_and_those_that_lose_are_stopped(summary: StudySummary) -> None:
    complete = [trial for trial in summary.trials if trial.state == "complete"]
    pruned = [trial for trial in summary.trials if trial.state == "pruned"]
    assert len(complete) + len(pruned) == 8
    assert pruned
    for trial in summary.trials:
        assert trial.folds == FOLDS
        assert list(trial.curve) == list(range(1, len(trial.curve) + 1))
        assert trial.epochs == EPOCHS * len(trial.curve)
        assert trial.value == list(trial.curve.values())[-1]
        assert {len(trial.curve) < FOLDS, trial.state == "pruned"} in ({True}, {False})
    best = summary.best
    assert best is not None
    assert best.metrics["val_accuracy"] == pytest.approx(best.value)
    assert best.spread is not None
    assert best.metrics["val_accuracy_se"] == pytest.approx(best.spread.se)
    assert best.to_json()["sd"] == best.spread.sd
    assert summary.attributes[attributes.VAL_IMAGES] == IMAGES
    assert summary.epochs_total == sum(EPOCHS * len(trial.curve) for trial in summary.trials)


def test_the_folds_are_shown(summary: StudySummary) -> None:
    best = summary.best
    assert best is not None
    study, trial = shown(study_view(summary)), shown(trial_view(summary, best, None))
    assert f"maximize val_accuracy of the last epoch, mean over {FOLDS} folds" in study
    assert "go on after fold 1;" in study
    assert f"{best.value:.4f} ± {best.spread.se:.2g}" in study  # type: ignore[union-attr]
    assert ", ".join(f"{value:.4f}" for value in values_of_folds(best.curve.values())) in trial
    assert f"means over {FOLDS} folds, of epoch {EPOCHS}, which counts" in trial


def test_replayed_every_fold_is_the_same_as_far_as_a_trial_came(home: Path, summary: StudySummary) -> None:
    for state in ("complete", "pruned"):
        number = next(trial.number for trial in summary.trials if trial.state == state)
        replayed = replay(ReplayOptions(f"simple_cnn/{number}", home=home, device="cpu"), Notes())
        assert (replayed.unit, replayed.same, replayed.before) == ("fold", True, summary.trial(number).curve)


def test_the_winner_is_trained_on_all_folds_and_calibrated_on_what_each_had_not_seen(
    home: Path, summary: StudySummary, quick_exports: None
) -> None:
    notes = Notes()
    retrained = retrain_best(RetrainOptions(home=home, tracking_uri="none", device="cpu"), notes)
    manifest = retrained.manifest
    assert summary.best is not None
    assert (manifest.training.images, manifest.training.epochs) == (IMAGES, EPOCHS)
    assert manifest.calibration is not None
    assert manifest.calibration.images == IMAGES
    assert manifest.metrics.val_accuracy == pytest.approx(summary.best.value)
    assert manifest.selection is not None
    assert manifest.selection.at == f"the last epoch, mean over {FOLDS} folds"


def test_the_epochs_of_folds_are_a_budget(tmp_path: Path) -> None:
    done = run(**SEARCH, trials=None, max_epochs_total=4 * EPOCHS, executor="inline", home=tmp_path / "runs")
    assert done.outcome == "out of epochs"
    assert done.study.epochs_total == 4 * EPOCHS


def test_a_training_with_folds_keeps_the_last_ones_weights_which_are_evaluated_on_it(
    home: Path, tmp_path: Path
) -> None:
    options = TrainOptions("simple_cnn", data="digits", overrides=SMALL, epochs=EPOCHS, home=home, out=tmp_path / "one")
    outcome = train(options, Notes())
    last = outcome.result.history[-1]
    assert (last.fold, last.epoch) == (FOLDS, FOLDS * EPOCHS)
    report = evaluate(EvaluateOptions(str(tmp_path / "one"), home=home, tracking_uri="none"), Notes()).report
    assert report.metrics.accuracy == pytest.approx(last.metrics["val_accuracy"])
    assert report.metrics.images == IMAGES // FOLDS
