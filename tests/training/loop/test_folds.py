"""Cross-validation: each fold a training of its own, one after the other, resumed anywhere, worth the mean."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
import torch
from hpo.training.checkpoints.checkpoint import load
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.evaluation.held_out import fit_calibration, seen_by
from hpo.training.report import EpochReport, Signal, Status, TrainResult, VerdictKind
from hpo.training.train import train

Make = Callable[..., TrialConfig]
FOLDS, EPOCHS = 3, 2
STEPS = 2  # batches of 16 of 32 or so images
DATA = {"source": "digits", "folds": FOLDS, "max_train": 48, "batch_size": 16}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return prepare(DataConfig.model_validate(DATA), cache=tmp_path_factory.mktemp("cache"))


def config_of(make: Make, **sections: Any) -> TrialConfig:
    model = {"name": "simple_cnn", "width": 4, "dropout": 0.3}
    return make(**{"data": DATA, "model": model, "budget": {"epochs": EPOCHS}, "augment": {"flip": True}, **sections})


def finish(config: TrialConfig, pack: Pack, directory: Path, **options: Any) -> TrainResult:
    *_, result = train(config, pack=pack.path, directory=directory, **options)
    assert isinstance(result, TrainResult)
    return result


def decisive(result: TrainResult) -> list[Any]:
    """All of a result but for times."""
    timed = ("images_per_s",)
    metrics = [{name: each for name, each in r.metrics.items() if name not in timed} for r in result.history]
    return [(r.epoch, r.fold, r.ends_fold, r.worth, m) for r, m in zip(result.history, metrics, strict=True)]


def test_epochs_are_numbered_through_and_each_fold_is_worth_its_last(
    small_config: Make, pack: Pack, tmp_path: Path
) -> None:
    result = finish(config_of(small_config), pack, tmp_path)
    history = result.history
    assert [report.epoch for report in history] == [1, 2, 3, 4, 5, 6]
    assert [report.fold for report in history] == [1, 1, 2, 2, 3, 3]
    assert [report.step for report in history] == [None, 1, None, 2, None, 3]
    values = [report.metrics["val_accuracy"] for report in history if report.ends_fold]
    means = [report.worth for report in history if report.ends_fold]
    assert means == pytest.approx([fmean(values[:count]) for count in (1, 2, 3)])
    assert result.best is not None
    assert result.best.metrics["val_accuracy"] == pytest.approx(fmean(values))
    assert result.best.metrics["val_accuracy_sd"] == pytest.approx(np.std(values, ddof=1))
    assert result.best.epoch == EPOCHS
    assert all(earlier.elapsed_s < later.elapsed_s for earlier, later in pairwise(history))


def test_a_fold_is_the_training_on_the_other_folds_with_a_seed_of_its_own(
    small_config: Make, pack: Pack, tmp_path: Path
) -> None:
    config = config_of(small_config, seed=7)
    folds = finish(config, pack, tmp_path / "folds").history
    alone = finish(config, pack, tmp_path / "alone", last_epoch=EPOCHS).history
    assert [each.metrics["val_loss"] for each in folds[:EPOCHS]] == [each.metrics["val_loss"] for each in alone]
    first, second = folds[0].metrics, folds[EPOCHS].metrics
    assert first["train_loss"] != second["train_loss"]
    images = [view.size("train") for view in pack.views]
    assert sum(images) == (FOLDS - 1) * 48


@pytest.mark.parametrize("closed_after", [1, 2, 3, 4, 6])
def test_killed_after_any_epoch_it_ends_as_if_it_had_not_been(
    small_config: Make, pack: Pack, tmp_path: Path, closed_after: int
) -> None:
    config = config_of(small_config)
    whole = finish(config, pack, tmp_path / "whole")
    run = train(config, pack=pack.path, directory=tmp_path / "killed")
    for _ in range(closed_after):
        next(run)
    run.close()
    heard: list[int] = []
    again = finish(config, pack, tmp_path / "killed", resumed=lambda history: heard.append(len(history)))
    assert heard == [closed_after]
    assert decisive(again) == decisive(whole)
    states = [load(tmp_path / name / "best.ckpt") for name in ("whole", "killed")]
    assert all(torch.equal(states[0]["model"][key], states[1]["model"][key]) for key in states[0]["model"])
    assert torch.equal(states[0]["unseen"]["logits"], states[1]["unseen"]["logits"])


@pytest.mark.parametrize("batch", [1, STEPS * EPOCHS + 1, STEPS * (2 * EPOCHS + 1) + 1])
@pytest.mark.parametrize("at", ["last", "best"])
def test_paused_within_an_epoch_of_any_fold_it_goes_on_with_the_next_batch(
    small_config: Make, pack: Pack, tmp_path: Path, batch: int, at: str
) -> None:
    config = config_of(small_config, objective={"at": at})
    whole = finish(config, pack, tmp_path / "whole")
    asked = iter(range(999))
    signal = lambda: Signal.PAUSE if next(asked) >= batch else Signal.CONTINUE  # noqa: E731
    paused = finish(config, pack, tmp_path / "paused", signal=signal)
    assert paused.status is Status.PAUSED
    assert (tmp_path / "paused" / "partial.ckpt").exists()
    assert f"of fold {1 + batch // (STEPS * EPOCHS)}, " in paused.message
    assert decisive(finish(config, pack, tmp_path / "paused")) == decisive(whole)
    assert not (tmp_path / "paused" / "partial.ckpt").exists()


def test_patience_may_end_each_fold(small_config: Make, pack: Pack, tmp_path: Path) -> None:
    budget = {"epochs": 6, "patience": 1, "min_delta": 0.9}  # nothing improves so much
    result = finish(config_of(small_config, budget=budget), pack, tmp_path)
    assert [report.epoch for report in result.history] == [1, 2, 7, 8, 13, 14]
    assert [report.step for report in result.history] == [None, 1, None, 2, None, 3]
    assert result.best is not None
    assert result.best.epoch == 2
    assert result.early_stopped


def test_the_unseen_images_are_all_images_each_once_by_the_weights_that_count(
    small_config: Make, pack: Pack, tmp_path: Path
) -> None:
    config = config_of(small_config, objective={"at": "best"}, budget={"epochs": 4})
    result = finish(config, pack, tmp_path)
    state = load(tmp_path / "best.ckpt")
    labels = torch.cat([torch.from_numpy(view.val.labels) for view in pack.views[:-1]])
    assert torch.equal(state["unseen"]["labels"], labels)
    accuracy = (state["unseen"]["logits"].argmax(1) == labels).float().mean().item()
    best = [max(r.metrics["val_accuracy"] for r in result.history if r.fold == fold) for fold in (1, 2)]
    sizes = [view.size("val") for view in pack.views]
    assert accuracy == pytest.approx(np.average(best, weights=sizes[:2]))
    calibration = fit_calibration(tmp_path, config, pack, epoch=4, device="cpu", name="it")
    assert calibration is not None
    assert (calibration.images, calibration.weights) == (48, "it, 3 of 3 folds")
    assert seen_by(state, pack).fold == 3


def test_a_final_training_takes_the_images_of_all_folds_at_once(small_config: Make, pack: Pack, tmp_path: Path) -> None:
    result = finish(config_of(small_config), pack, tmp_path, fit_on="train_and_val")
    assert [report.epoch for report in result.history] == [1, 2]
    assert [(report.fold, report.worth) for report in result.history] == [(0, None), (0, None)]


def test_a_checkpoint_that_is_corrupt_is_set_aside_with_the_folds_in_it(
    small_config: Make, pack: Pack, tmp_path: Path
) -> None:
    config = config_of(small_config)
    whole = finish(config, pack, tmp_path)
    (tmp_path / "last.ckpt").write_bytes(b"torn")
    again = finish(config, pack, tmp_path)
    assert decisive(again) == decisive(whole)
    assert "set-aside-1" in again.notes[0]


def test_a_fold_that_diverges_ends_the_training(small_config: Make, pack: Pack, tmp_path: Path) -> None:
    optimizer = {"name": "sgd", "lr": 99.0, "momentum": 0.99}
    model = {"name": "simple_cnn", "width": 4, "norm": "none"}
    result = finish(config_of(small_config, optimizer=optimizer, model=model, budget={"epochs": 9}), pack, tmp_path)
    assert result.status is Status.DIVERGED
    assert "of fold 1" in result.message
    assert result.verdict is not None
    assert result.verdict.kind is VerdictKind.DIVERGED


def test_reports_of_folds_survive_their_files(small_config: Make, pack: Pack, tmp_path: Path) -> None:
    from hpo.training.loop.history import result_from_json, result_to_json

    result = finish(config_of(small_config), pack, tmp_path)
    assert result_from_json(result_to_json(result)) == result
    assert EpochReport(3, {}, 1.0).step == 3
