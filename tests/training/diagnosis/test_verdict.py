"""The verdict on a run: what it says of runs made ill on purpose, and that it says nothing ill of the others."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from hpo.training.config import TrialConfig
from hpo.training.diagnosis.trace import Chance
from hpo.training.diagnosis.verdict import FEWEST_EPOCHS, judge
from hpo.training.loop.history import result_from_json, result_to_json
from hpo.training.report import EpochReport, Signal, Status, TrainResult, VerdictKind
from hpo.training.setting import Setting
from hpo.training.train import train

from .conftest import HEALTHY, ILL, Record

Make = Callable[..., TrialConfig]
K = VerdictKind

EXPECTED = {
    "lr x 1000, sgd": (K.DIVERGED, "optimizer.lr=5.0"),
    "lr x 1000, adamw": (K.EXPLODING, "optimizer.lr=0.3"),
    "lr x 1000, resnet": (K.DIVERGED, "optimizer.lr=10.0"),
    "lr x 1000, mlp": (K.EXPLODING, "optimizer.max_grad_norm=1.0"),
    "lr / 1000": (K.NOT_LEARNING, "the learning rate"),
    "lr / 50": (K.UNDERFITTING, "budget.epochs=20"),
    "huge weight decay": (K.NOT_LEARNING, "weight decay"),
    "huge weight decay, adamw": (K.NOT_LEARNING, "weight decay"),
    "deep sigmoids": (K.NOT_LEARNING, "gradients"),
    "dead relus": (K.NOT_LEARNING, "gradients"),
    "exploding start": (K.DIVERGED, "optimizer.lr=0.005"),
    "unnormalised": (K.EXPLODING, "optimizer.lr=0.005"),
    "shuffled labels": (K.OVERFITTING, "whether labels and images belong together"),
    "shuffled labels, learned by heart": (K.OVERFITTING, "whether labels and images belong together"),
    "tiny data": (K.OVERFITTING, "more images"),
    "the rate falls too soon": (K.PLATEAU, "change the learning rate"),
    "blind": (K.NOT_LEARNING, "gradients"),
}


@pytest.mark.parametrize("name", ILL)
def test_an_ill_run_is_named(name: str, record: Record) -> None:
    kind, advice = EXPECTED[name]
    verdict = record(name).result.verdict
    assert verdict is not None
    assert verdict.kind == kind, verdict
    assert advice in " ".join((verdict.advice, *(setting.flag for setting in verdict.settings)))
    assert verdict.evidence


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_run_is_not_accused(name: str, record: Record) -> None:
    """Neither as a whole nor stopped after any epoch."""
    recorded = record(name)
    result, counts = recorded.result, recorded.pack.counts["train"]
    assert result.verdict is not None
    assert (result.verdict.kind, result.verdict.advice) == (K.HEALTHY, ""), result.verdict
    grave = {K.DIVERGED, K.EXPLODING, K.NOT_LEARNING, K.OVERFITTING, K.PLATEAU}
    for epochs in range(1, len(result.history)):
        stopped = replace(result, status=Status.STOPPED, history=result.history[:epochs])
        verdict = judge(stopped, recorded.config, counts)
        assert verdict.kind not in grave, (epochs, verdict)


def test_the_verdict_is_in_the_result_and_survives_json(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    for status in (Signal.STOP, Signal.CONTINUE):
        asked = count()
        wish = lambda asked=asked, status=status: status if next(asked) >= 40 else Signal.CONTINUE  # noqa: E731
        *_, result = train(small_config(), pack=digits_pack, directory=tmp_path / status, signal=wish)
        assert isinstance(result, TrainResult)
        assert result.verdict is not None
        assert result_from_json(result_to_json(result)) == result


def curves(train: list[float], val: list[float], loss: list[float] | None = None) -> TrainResult:
    """A finished run with these accuracies, and losses in keeping where none are given."""
    losses = loss or [2.56 * (1 - accuracy) for accuracy in train]
    rows = zip(train, val, losses, strict=True)
    reports = [
        EpochReport(
            number,
            {"train_loss": fit, "train_accuracy": a, "val_loss": 2.56 * (1 - b), "val_accuracy": b, "grad_norm": 1.0},
            float(number),
        )
        for number, (a, b, fit) in enumerate(rows, 1)
    ]
    return TrainResult(Status.FINISHED, reports[-1], tuple(reports))


TEN = (100,) * 10


def test_too_short_a_run_is_undecided(small_config: Make) -> None:
    for epochs in range(FEWEST_EPOCHS):
        result = curves([0.1] * epochs, [0.1] * epochs) if epochs else TrainResult(Status.STOPPED, None, (), False, "x")
        assert judge(result, small_config(), TEN).kind is K.UNDECIDED
    assert judge(curves([0.1] * FEWEST_EPOCHS, [0.1] * FEWEST_EPOCHS), small_config(), TEN).kind is K.NOT_LEARNING
    assert judge(curves([0.9], [0.95]), small_config(), TEN).kind is K.HEALTHY


def test_a_run_that_learned_and_lost_it_is_exploding(small_config: Make) -> None:
    result = curves([0.6, 0.8, 0.1], [0.6, 0.8, 0.1], [1.2, 0.6, 2.4])
    verdict = judge(result, small_config(), TEN)
    assert verdict.kind is K.EXPLODING
    assert "0.6 at best and 2.4 at the end" in verdict.evidence


def test_a_validation_loss_that_turns_up_tells_overfitting_early(small_config: Make) -> None:
    result = curves([0.7, 0.9, 0.97], [0.7, 0.85, 0.86])
    assert judge(result, small_config(), TEN).kind is K.HEALTHY
    last = replace(result.history[-1], metrics={**result.history[-1].metrics, "val_loss": 0.5})
    verdict = judge(replace(result, history=(*result.history[:-1], last)), small_config(), TEN)
    assert verdict.kind is K.OVERFITTING
    assert "val_loss rose from 0.384 in epoch 2 to 0.5" in verdict.evidence
    assert verdict.settings == (Setting("budget.patience", 5),)


def test_without_validation_the_training_curves_decide(small_config: Make) -> None:
    result = curves([0.1, 0.1, 0.1], [0.1, 0.1, 0.1])
    kept = tuple(
        replace(report, metrics={k: v for k, v in report.metrics.items() if not k.startswith("val_")})
        for report in result.history
    )
    verdict = judge(replace(result, history=kept), small_config(), TEN)
    assert verdict.kind is K.NOT_LEARNING
    assert "val_" not in verdict.evidence


def test_rare_classes_set_what_a_guess_reaches(small_config: Make) -> None:
    """Ninety-five per cent of the images are of one class: an accuracy of 0.95 is nothing."""
    counts = (950, 50)
    plain, weighted = small_config(), small_config(loss={"class_weights": "inverse"})
    assert Chance.of(plain, counts).accuracy == 0.95
    assert Chance.of(plain, counts).loss == pytest.approx(0.1985, abs=1e-4)
    assert Chance.of(weighted, counts).accuracy == 0.5
    stuck = curves([0.95] * 4, [0.95] * 4, [0.21] * 4)
    metrics = [replace(r, metrics={**r.metrics, "val_loss": 0.2}) for r in stuck.history]
    assert judge(replace(stuck, history=tuple(metrics)), plain, counts).kind is K.NOT_LEARNING


def test_weights_averaged_too_slowly_are_told_from_wrong_labels(small_config: Make) -> None:
    result = curves([0.5, 0.8, 0.9], [0.1, 0.1, 0.1])
    assert judge(result, small_config(ema={"decay": 0.9999}), TEN).settings == (Setting("ema.decay", 0.999),)
    assert "labels" in judge(result, small_config(), TEN).advice


def test_every_kind_is_seen_here() -> None:
    seen = {kind for kind, _ in EXPECTED.values()} | {K.HEALTHY, K.UNDECIDED}
    assert seen == set(VerdictKind)
    assert set(EXPECTED) == set(ILL)
