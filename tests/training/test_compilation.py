"""torch.compile: kept where it pays, dropped where it does not, left out where it fails."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.compilation import Compilation
from hpo.training.config import TrialConfig
from hpo.training.learner import Learner
from hpo.training.report import Status, TrainResult
from hpo.training.train import train
from torch import nn

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")


class Slow(nn.Module):
    """A linear layer that takes some milliseconds longer as it is written, or compiled."""

    def __init__(self, *, compiled: bool) -> None:
        super().__init__()
        self.layer, self.compiled = nn.Linear(64, 10), compiled

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if torch.compiler.is_compiling() == self.compiled:
            images = images + torch.linalg.svdvals(torch.randn(200, 200)).sum() * 0
        logits: torch.Tensor = self.layer(images.flatten(1))
        return logits


def learner_of(model: nn.Module, make: Make) -> Learner:
    torch.manual_seed(0)
    return Learner(make(optimizer={"name": "sgd", "lr": 0.1}), model, CPU)


def step(learner: Learner, images: int = 16) -> torch.Tensor:
    torch.manual_seed(3)
    loss, _, _ = learner.step(torch.randn(images, 1, 8, 8), torch.arange(images) % 10, lr=0.1)
    return loss


def linear() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


def compiled_with(learner: Learner, mode: Any, backend: Any, steps: int = 10**6, least_s: float = 0.0) -> Learner:
    torch.compiler.reset()
    learner.compilation = Compilation(learner.model, CPU, mode, steps, backend=backend, least_s=least_s)
    return learner


def test_on_is_compiled_from_the_first_step_and_trains_alike(small_config: Make) -> None:
    plain, compiled = learner_of(linear(), small_config), learner_of(linear(), small_config)
    compiled_with(compiled, "on", "aot_eager")
    for _ in range(5):
        assert step(plain).item() == pytest.approx(step(compiled).item(), rel=1e-5)
    assert compiled.compilation.note.startswith("compile: on, the first step took ")
    assert compiled.compilation.forward is not compiled.model


def test_another_batch_size_runs_as_it_is_written(small_config: Make) -> None:
    learner = compiled_with(learner_of(linear(), small_config), "on", "aot_eager")
    step(learner)
    step(learner, images=5)
    assert learner.compilation.forward is learner.model
    step(learner)
    assert learner.compilation.forward is not learner.model


def test_too_few_steps_are_not_worth_an_attempt(small_config: Make) -> None:
    learner = compiled_with(learner_of(linear(), small_config), "auto", "aot_eager", steps=100, least_s=20.0)
    for _ in range(20):
        step(learner)
    assert learner.compilation.note.startswith("compile: not tried, 84 steps of ")
    assert learner.compilation.forward is learner.model


@pytest.mark.parametrize(("compiled_is_slow", "decision"), [(False, "kept"), (True, "dropped")])
def test_it_is_kept_where_it_pays(compiled_is_slow: bool, decision: str, small_config: Make) -> None:
    learner = compiled_with(learner_of(Slow(compiled=compiled_is_slow), small_config), "auto", "aot_eager")
    for _ in range(40):
        step(learner)
    assert learner.compilation.note.startswith(f"compile: {decision} (")
    assert (learner.compilation.forward is learner.model) == compiled_is_slow


def broken(graph: Any, inputs: Any) -> Any:
    raise RuntimeError("no compiler here\nsecond line")


@pytest.mark.parametrize("mode", ["on", "auto"])
def test_a_model_that_does_not_compile_goes_on(mode: str, small_config: Make) -> None:
    plain, learner = learner_of(linear(), small_config), learner_of(linear(), small_config)
    compiled_with(learner, mode, broken)
    losses = [(step(plain).item(), step(learner).item()) for _ in range(25)]
    assert all(a == b for a, b in losses)
    assert learner.compilation.note.startswith("compile: failed and left out (")
    assert "no compiler here" in learner.compilation.note
    assert "second line" not in learner.compilation.note


def test_out_of_memory_is_no_failure_to_compile(small_config: Make) -> None:
    def greedy(graph: Any, inputs: Any) -> Any:
        def run(*arguments: Any) -> Any:
            raise torch.OutOfMemoryError("CUDA out of memory")

        return run

    learner = compiled_with(learner_of(linear(), small_config), "on", greedy)
    with pytest.raises(torch.OutOfMemoryError):
        step(learner)


def test_an_error_of_the_model_is_its_own(small_config: Make) -> None:
    learner = compiled_with(learner_of(linear(), small_config), "on", "aot_eager")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        learner.step(torch.randn(4, 1, 3, 3), torch.arange(4), lr=0.1)


def test_a_run_tells_what_was_decided(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    *_, result = train(small_config(compile="auto"), pack=digits_pack, directory=tmp_path)
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED
    assert len(result.notes) == 1
    assert result.notes[0].startswith("compile: not tried")


@pytest.mark.slow
def test_inductor_or_a_note_why_not(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    torch.compiler.reset()
    plain = small_config(budget={"epochs": 1})
    *_, expected = train(plain, pack=digits_pack, directory=tmp_path / "plain")
    *_, result = train(plain.model_copy(update={"compile": "on"}), pack=digits_pack, directory=tmp_path / "compiled")
    assert isinstance(result, TrainResult)
    assert isinstance(expected, TrainResult)
    assert result.status is Status.FINISHED
    assert result.notes[0].startswith(("compile: on, the first step took ", "compile: failed and left out ("))
    losses = [r.history[0].metrics["train_loss"] for r in (result, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
