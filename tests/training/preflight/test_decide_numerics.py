"""What `auto` means: by rule, or measured once and then kept, whatever else the machine does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.machine.numerics import Numerics
from hpo.training.preflight.decide_numerics import CompileTrial, decide_numerics

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")

SLOW = """
import torch
from torch import nn

class Slow(nn.Module):
    \"\"\"A linear layer that takes some milliseconds longer as it is written, or compiled.\"\"\"

    def __init__(self, num_classes, in_channels, compiled):
        super().__init__()
        self.layer, self.compiled = nn.Linear(64, num_classes), compiled

    def forward(self, images):
        if torch.compiler.is_compiling() == self.compiled:
            images = images + torch.linalg.svdvals(torch.randn(200, 200)).sum() * 0
        return self.layer(images.flatten(1))
"""


@pytest.fixture
def pack(digits_pack: Path) -> Pack:
    return Pack.open(digits_pack)


@pytest.fixture
def slow(small_config: Make, tmp_path: Path) -> Make:
    """A configuration of the model above with a budget of 1,000 epochs."""
    (tmp_path / "net.py").write_text(SLOW)

    def make(**model: Any) -> TrialConfig:
        return small_config(model={"name": f"{tmp_path}/net.py:Slow", **model}, budget={"epochs": 1000})

    return make


def trial(config: TrialConfig, pack: Pack, backend: Any = "aot_eager", least_s: float = 0.0) -> Numerics:
    torch.compiler.reset()
    return CompileTrial(config, pack, CPU, backend=backend, least_s=least_s).run()


@pytest.mark.parametrize(("compiled_is_slow", "decision"), [(False, "on"), (True, "off")])
def test_it_is_compiled_where_it_pays(compiled_is_slow: bool, decision: str, slow: Make, pack: Pack) -> None:
    found = trial(slow(compiled=compiled_is_slow), pack)
    assert (found.dtype, found.compile) == ("fp32", decision)
    assert found.note.startswith(f"compile: {decision}, it saves ")
    assert " in each of 12,000 steps " in found.note


def test_too_few_steps_are_not_worth_an_attempt(small_config: Make, pack: Pack) -> None:
    found = trial(small_config(), pack, least_s=20.0)
    assert found.compile == "off"
    assert found.note.startswith("compile: not tried, 36 steps of ")


def test_what_does_not_compile_is_off(slow: Make, pack: Pack) -> None:
    def broken(graph: Any, inputs: Any) -> Any:
        raise RuntimeError("no compiler here")

    found = trial(slow(compiled=False), pack, broken)
    assert found.compile == "off"
    assert "failed and left out" in found.note


def test_without_auto_nothing_is_measured(small_config: Make, pack: Pack, tmp_path: Path) -> None:
    assert decide_numerics(small_config(), pack, ["cpu"], tmp_path) == Numerics("fp32", "off")
    assert list(tmp_path.iterdir()) == []


def test_an_answer_is_given_again_whatever_a_stopwatch_would_say(
    small_config: Make, pack: Pack, tmp_path: Path
) -> None:
    config = small_config(compile="auto")
    first = decide_numerics(config, pack, ["cpu"], tmp_path)
    assert first.note.startswith("compile: not tried")
    (kept,) = (tmp_path / "numerics").iterdir()
    kept.write_text(json.dumps(Numerics("fp32", "on", "as it was").to_json()))
    assert decide_numerics(config, pack, ["cpu"], tmp_path).note == "as it was"
    reseeded = config.model_copy(update={"seed": 7})
    assert decide_numerics(reseeded, pack, ["cpu"], tmp_path).note == "as it was"
    other = small_config(compile="auto", model={"name": "simple_cnn", "width": 4})
    assert decide_numerics(other, pack, ["cpu"], tmp_path).note.startswith("compile: not tried")
    kept.write_text("{")
    assert decide_numerics(config, pack, ["cpu"], tmp_path).note.startswith("compile: not tried")


def test_settling_replaces_auto_alone(small_config: Make) -> None:
    numerics = Numerics("bf16", "on")
    settled = numerics.settle(small_config(compile="auto"))
    assert (settled.precision.dtype, settled.compile) == ("bf16", "on")
    assert Numerics.of(settled) == numerics
    assert numerics.words == "bf16, compiled"
    said = small_config(precision={"dtype": "fp32"}, compile="off")
    assert numerics.settle(said) == said
