"""Nested cross-validation: a search for each test fold, and what they are worth together."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import SpaceError, StudyError
from hpo.search.api import estimate, run
from hpo.search.commands.estimate import estimate as module
from hpo.search.commands.estimate.estimate import Estimate, FoldResult
from hpo.search.commands.estimate.options import EstimateOptions
from hpo.studies.home import Home
from hpo.training.export.export_folder import ExportFolder

SPACE = """\
search: {strategy: pruning, sampler: random, pruner: none}
data: {source: digits, batch_size: 64, max_train: 128, max_val: 64}
model: {name: simple_cnn, width: 4}
optimizer: {name: adamw, lr: {low: 0.001, high: 0.02, log: true, prior: 0.005}}
budget: {epochs: 1}
"""
QUIET: dict[str, Any] = {"executor": "inline", "tracking_uri": "none", "device": "cpu"}


def fold(number: int, right: int, selected: float = 0.9, metric: str = "val_accuracy") -> FoldResult:
    return FoldResult(number, f"s-test-{number}-of-3", 0, {}, metric, selected, images=100, right=right)


@pytest.fixture(scope="module")
def estimated(tmp_path_factory: pytest.TempPathFactory, quick_exports: None) -> tuple[dict[str, Any], Estimate]:
    """What was asked for, and its estimate."""
    folder = tmp_path_factory.mktemp("estimate")
    (folder / "s.yaml").write_text(SPACE)
    asked = {"space": str(folder / "s.yaml"), "trials": 2, "test_folds": 2, "home": folder / "runs", **QUIET}
    return asked, estimate(**asked)


@pytest.mark.slow
def test_each_image_is_tested_by_a_winner_that_has_not_seen_it(estimated: tuple[dict[str, Any], Estimate]) -> None:
    asked, result = estimated
    assert [each.study for each in result.folds] == ["s-test-1-of-2", "s-test-2-of-2"]
    assert sum(each.images for each in result.folds) == 1797
    exports = [ExportFolder.open(Home.locate(asked["home"]).export(each.study)).manifest for each in result.folds]
    assert [manifest.config.data.test_fold for manifest in exports] == ["1/2", "2/2"]
    assert [manifest.metrics.test_accuracy for manifest in exports] == [each.accuracy for each in result.folds]
    assert result.accuracy == sum(each.right for each in result.folds) / 1797
    assert result.to_json()["folds"][1]["params"] == exports[1].params


@pytest.mark.slow
def test_the_same_command_tests_nothing_again(
    estimated: tuple[dict[str, Any], Estimate], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, result = estimated
    monkeypatch.setattr(module, "retrain_best", None)
    assert estimate(**asked) == result
    with pytest.raises(StudyError, match="made with another space"):
        estimate(**{**asked, "overrides": ["model.width=8"]})


@pytest.mark.slow
def test_interrupted_it_has_what_was_done(
    estimated: tuple[dict[str, Any], Estimate], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, result = estimated
    outcomes = iter(["done", "interrupted"])
    monkeypatch.setattr(module, "run", lambda *given: replace(run(given[0]), outcome=module.Outcome(next(outcomes))))
    stopped = estimate(**asked)
    assert stopped.folds == result.folds[:1]
    assert (stopped.is_whole, stopped.accuracy, stopped.interval, stopped.optimism) == (False, None, None, None)


def test_the_interval_has_what_chance_does_to_images_and_to_searches() -> None:
    alike = Estimate("s", 3, tuple(fold(number, 90) for number in (1, 2, 3)))
    assert alike.accuracy == 0.9
    assert alike.interval == pytest.approx((0.861, 0.929), abs=1e-3)  # Wilson's of 270 of 300
    unlike = Estimate("s", 3, (fold(1, 80), fold(2, 90), fold(3, 100)))
    # sd 0.1, times the root of 1/3 + 1/2, times 4.303
    assert unlike.interval == pytest.approx((0.9 - 0.3928, 1.0), abs=1e-3)


def test_optimism_is_of_accuracies_alone() -> None:
    folds = (fold(1, 80, 0.9), fold(2, 90, 0.9), fold(3, 85, 0.9))
    assert Estimate("s", 3, folds).optimism == pytest.approx(0.05)
    assert Estimate("s", 3, (*folds[:2], fold(3, 85, 0.4, "val_loss"))).optimism is None


def test_each_search_is_told_its_part_and_keeps_the_flags() -> None:
    options = EstimateOptions("resnet", trials=5, overrides=("seed=2",), test_folds=4, track=("mlflow", "tensorboard"))
    search = options.search_options("r", 3)
    assert (search.study, search.overrides) == ("r-test-3-of-4", ("seed=2", "data.test_fold=3/4"))
    assert search.command.startswith("hpo run ")
    assert options.command.endswith("--test-folds 4")
    assert options.winner_options("r-test-3-of-4").track == ("tensorboard",)
    assert EstimateOptions("resnet", trials=5).winner_options("s").track == ("none",)


def test_models_are_exported_on_trial_once() -> None:
    first, second = (EstimateOptions(space="resnet", trials=1).search_options("r", fold) for fold in (1, 2))
    assert (first.skip_export_check, second.skip_export_check) == (False, True)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="--test-folds must be 2 to 20, got 1"):
        EstimateOptions("resnet", trials=1, test_folds=1)
    with pytest.raises(SpaceError, match="--warm-start old cannot be estimated"):
        EstimateOptions("resnet", trials=1, warm_start=("old",))
    with pytest.raises(SpaceError, match="a search must have an end"):
        EstimateOptions("resnet")
