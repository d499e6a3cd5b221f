"""Optimisers without torch.compile's wrappers: the same numbers, and none of its modules."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.optim.muon import MuonWithAdamW
from hpo.training.optim.uncompiled import uncompiled
from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

KINDS: dict[type[Optimizer], dict[str, Any]] = {
    SGD: {"momentum": 0.9, "nesterov": True, "fused": True},
    Adam: {"fused": True},
    AdamW: {"fused": True, "weight_decay": 0.1},
    RMSprop: {"centered": True, "momentum": 0.5},
}


def stepped(kind: type[Optimizer], settings: dict[str, Any]) -> tuple[list[torch.Tensor], Optimizer]:
    """Weights after three steps, with the state saved and loaded between them."""
    torch.manual_seed(0)
    model = nn.Linear(5, 3)
    optimizer = kind(model.parameters(), lr=0.1, **settings)  # type: ignore[call-arg]
    for _ in range(3):
        optimizer.zero_grad(set_to_none=True)
        model(torch.ones(2, 5)).square().sum().backward()
        optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
    return [parameter.detach() for parameter in model.parameters()], optimizer


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_numbers_are_those_of_torch(kind: type[Optimizer]) -> None:
    ours, optimizer = stepped(uncompiled(kind), KINDS[kind])
    theirs, _ = stepped(kind, KINDS[kind])
    for a, b in zip(ours, theirs, strict=True):
        assert torch.equal(a, b)
    assert isinstance(optimizer, kind)
    assert uncompiled(kind) is uncompiled(kind)
    assert torch.is_grad_enabled()


def test_hooks_of_a_step_are_called() -> None:
    model = nn.Linear(2, 1)
    optimizer, seen = uncompiled(SGD)(model.parameters(), lr=0.1), []
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    optimizer.step()
    assert seen == ["before", "after"]


SCRIPT = """
import sys, torch
from torch import nn
from hpo.training.config import TrialConfig
from hpo.training.optim.optimizers import build_optimizer
for name in ("sgd", "adam", "adamw", "rmsprop", "muon"):
    tree = {"model": {"name": "simple_cnn"}, "optimizer": {"name": name, "lr": 0.01}}
    config = TrialConfig.model_validate(tree)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2))
    optimizer = build_optimizer(config.optimizer, model)
    model(torch.ones(2, 4)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    optimizer.load_state_dict(optimizer.state_dict())
print("torch._dynamo" in sys.modules)
"""


def test_no_step_imports_the_compiler() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_inner_ones_of_muon_are_meant_too() -> None:
    assert "step" in vars(uncompiled(MuonWithAdamW))


def test_an_epoch_imports_neither_compiler_nor_scikit_learn(
    digits_pack: Path, small_config: Callable[..., Any], tmp_path: Path
) -> None:
    script = f"""
import sys
from pathlib import Path
from hpo.training.config import TrialConfig
from hpo.training.train import train
from hpo.training.evaluation.held_out import fit_calibration
from hpo.training.data.pack import Pack
config = TrialConfig.model_validate_json({small_config().model_dump_json()!r})
*_, result = train(config, pack=Path({str(digits_pack)!r}), directory=Path({str(tmp_path)!r}), device="cpu")
fit_calibration(Path({str(tmp_path)!r}), config, Pack.open(Path({str(digits_pack)!r})), epoch=result.best.epoch,
    device="cpu", name="it")
print([name for name in ("torch._dynamo", "sklearn", "scipy.stats", "triton", "matplotlib") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
