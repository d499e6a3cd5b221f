"""A copy of what training goes on from is of the moment it was asked for, whoever makes it and when."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from hpo.training.checkpoints.snapshot import Snapshot
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.learner import Learner
from hpo.training.optim.optimizers import OPTIMIZERS


def test_it_is_of_the_moment_it_was_first_asked_for() -> None:
    tensor = torch.zeros(3)
    snapshot = Snapshot(lambda: {"a": [tensor, (1, "x")], "none": torch.empty(0)})
    tensor += 1
    assert torch.equal(snapshot.complete()["a"][0], torch.ones(3))
    tensor += 1
    assert torch.equal(snapshot.complete()["a"][0], torch.ones(3))
    assert snapshot.complete()["a"][1] == [1, "x"]


def test_memory_format_and_type_are_kept() -> None:
    image = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    values = {"image": image, "count": torch.tensor(7), "half": torch.ones(2, dtype=torch.bfloat16), "yes": image > 0.5}
    values |= {"every second": image[:, :, ::2], "repeated": torch.tensor([1.0]).expand(3), "empty": torch.empty(0)}
    copy = Snapshot(lambda: values).complete()
    assert copy["image"].is_contiguous(memory_format=torch.channels_last)
    for name, value in values.items():
        assert torch.equal(copy[name], value)
        assert copy[name].dtype == value.dtype
        assert value.numel() == 0 or copy[name].data_ptr() != value.data_ptr()


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("elsewhere", [False, True])
def test_steps_do_not_reach_a_snapshot(
    optimizer: str, elsewhere: bool, digits_pack: Path, small_config: Callable[..., TrialConfig]
) -> None:
    config = small_config(optimizer={"name": optimizer, "lr": 0.01}, ema={"decay": 0.9})
    learner = Learner.create(config, Pack.open(digits_pack), torch.device("cpu"))
    steps = torch.Generator().manual_seed(0)

    def step() -> None:
        images = torch.randn(8, 1, 8, 8, generator=steps).to(memory_format=torch.channels_last)
        learner.step(images, torch.arange(8) % 10, 0.01)

    step()
    before = deepcopy(learner._state({}))
    snapshot = learner.snapshot()
    if elsewhere:
        thread = Thread(target=snapshot.complete)
        thread.start()
    step()
    step()
    if elsewhere:
        thread.join()
    assert_equal(snapshot.complete(), before)
    with pytest.raises(AssertionError):
        assert_equal(learner._state({}), before)


def assert_equal(one: Any, other: Any) -> None:
    match one:
        case torch.Tensor():
            assert torch.equal(one, other)
        case dict():
            assert one.keys() == other.keys()
            for key in one:
                assert_equal(one[key], other[key])
        case list() | tuple():
            assert len(one) == len(other)
            for a, b in zip(one, other, strict=True):
                assert_equal(a, b)
        case _:
            assert one == other
