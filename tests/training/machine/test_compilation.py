"""torch.compile: on from the first step, left out where it fails; whether it pays is test_decide_numerics.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.config import TrialConfig
from hpo.training.loop.learner import Learner
from hpo.training.machine.compilation import Compilation
from hpo.training.report import Status, TrainResult
from hpo.training.train import train
from torch import nn

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")


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


def compiled_with(learner: Learner, backend: Any) -> Learner:
    torch.compiler.reset()
    learner.compilation = Compilation(learner.model, CPU, backend=backend)
    return learner


def test_on_is_compiled_from_the_first_step_and_trains_alike(small_config: Make) -> None:
    plain, compiled = learner_of(linear(), small_config), learner_of(linear(), small_config)
    compiled_with(compiled, "aot_eager")
    for _ in range(5):
        assert step(plain).item() == pytest.approx(step(compiled).item(), rel=1e-5)
    assert compiled.compilation.note.startswith("compile: on, the first step took ")
    assert compiled.compilation.forward is not compiled.model


def test_another_batch_size_runs_as_it_is_written(small_config: Make) -> None:
    learner = compiled_with(learner_of(linear(), small_config), "aot_eager")
    step(learner)
    step(learner, images=5)
    assert learner.compilation.forward is learner.model
    step(learner)
    assert learner.compilation.forward is not learner.model


def broken(graph: Any, inputs: Any) -> Any:
    raise RuntimeError("no compiler here\nsecond line")


def test_a_model_that_does_not_compile_goes_on(small_config: Make) -> None:
    plain, learner = learner_of(linear(), small_config), learner_of(linear(), small_config)
    compiled_with(learner, broken)
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

    learner = compiled_with(learner_of(linear(), small_config), greedy)
    with pytest.raises(torch.OutOfMemoryError):
        step(learner)


def test_an_error_of_the_model_is_its_own(small_config: Make) -> None:
    learner = compiled_with(learner_of(linear(), small_config), "aot_eager")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        learner.step(torch.randn(4, 1, 3, 3), torch.arange(4), lr=0.1)


def test_a_run_does_not_decide_by_itself(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="compile: auto must be settled before a training begins"):
        list(train(small_config(compile="auto"), pack=digits_pack, directory=tmp_path))


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
