"""The same loop on a GPU: precision, out of memory, divergence without waiting, resuming."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.config import PrecisionConfig, TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.meter import DivergenceWatch
from hpo.training.loop.validation import Validation
from hpo.training.machine.memory import Passes
from hpo.training.machine.precision import Precision
from hpo.training.report import Activity, Signal, Status, TrainResult
from hpo.training.train import train

pytestmark = pytest.mark.cuda

Make = Callable[..., TrialConfig]


def greedy_model(folder: Path, numbers: str) -> dict[str, str]:
    """A linear model that asks for memory for so many `numbers`, of four bytes each, at every pass."""
    path = folder / "greedy.py"
    path.write_text(
        "import torch\nfrom torch import nn\n"
        "class Net(nn.Linear):\n"
        "    def __init__(self, num_classes, in_channels):\n"
        "        super().__init__(64, num_classes)\n"
        "    def forward(self, images):\n"
        f"        torch.empty({numbers}, device=images.device)\n"
        "        return super().forward(images.flatten(1))\n"
    )
    return {"name": f"{path}:Net"}


@pytest.mark.parametrize("dtype", ["auto", "fp32", "bf16", "fp16"])
def test_trains_in_every_precision(dtype: str, digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = small_config(precision={"dtype": dtype}, optimizer={"name": "adamw", "lr": 3e-3, "max_grad_norm": 1.0})
    *_, result = train(config, pack=digits_pack, directory=tmp_path, device="cuda")
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED
    assert result.best is not None
    assert result.best.metrics["val_accuracy"] > 0.5
    assert 0 < result.best.metrics["grad_norm"] < 1e3


def test_auto_is_half_precision_with_a_scaler_where_it_is_fp16() -> None:
    chosen = Precision.choose(PrecisionConfig(), torch.device("cuda"))
    assert chosen.dtype in (torch.bfloat16, torch.float16)
    assert chosen.scaler().is_enabled() == (chosen.dtype is torch.float16)
    assert Precision.choose(PrecisionConfig(dtype="fp16"), torch.device("cuda")).scaler().is_enabled()


def test_a_run_paused_on_the_gpu_goes_on_elsewhere(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    asked = iter(range(10**6))
    wish = lambda: Signal.PAUSE if next(asked) >= 14 else Signal.CONTINUE  # noqa: E731
    *_, paused = train(small_config(), pack=digits_pack, directory=tmp_path, device="cuda", signal=wish)
    assert isinstance(paused, TrainResult)
    assert paused.status is Status.PAUSED
    *reports, result = train(small_config(), pack=digits_pack, directory=tmp_path, device="cpu")
    assert len(reports) == 2
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED


def test_out_of_memory_is_a_result_and_the_device_is_usable_after(
    digits_pack: Path, small_config: Make, tmp_path: Path
) -> None:
    config = small_config(model=greedy_model(tmp_path, "2**42"))
    *_, result = train(config, pack=digits_pack, directory=tmp_path / "greedy", device="cuda")
    assert isinstance(result, TrainResult)
    assert result.status is Status.OUT_OF_MEMORY
    *_, next_result = train(small_config(), pack=digits_pack, directory=tmp_path / "next", device="cuda")
    assert isinstance(next_result, TrainResult)
    assert next_result.status is Status.FINISHED


def test_out_of_memory_goes_on_in_smaller_passes(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = small_config(model=greedy_model(tmp_path, "2**42 if self.training and len(images) > 40 else 1"))
    *_, result = train(config, pack=digits_pack, directory=tmp_path / "run", device="cuda")
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED
    assert result.notes[-1] == "out of memory in epoch 1: from here on passes of 32 images"
    assert all(report.metrics["peak_memory_mb"] > 0 for report in result.history)


NEIGHBOUR = """
import sys, torch
free, total = torch.cuda.mem_get_info()
held = torch.empty(free - 3 * 2**30, dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("alone", "status"), [(False, Status.CROWDED), (True, Status.OUT_OF_MEMORY)])
def test_memory_that_a_neighbour_took_is_no_verdict(
    alone: bool, status: Status, digits_pack: Path, small_config: Make, tmp_path: Path
) -> None:
    config = small_config(model=greedy_model(tmp_path, "6 * 2**28"))
    with subprocess.Popen([sys.executable, "-c", NEIGHBOUR], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        *_, crowded = train(config, pack=digits_pack, directory=tmp_path / "run", device="cuda", alone=alone)
        child.communicate()
    assert isinstance(crowded, TrainResult)
    assert crowded.status is status
    assert "other processes hold" in crowded.message
    *_, result = train(config, pack=digits_pack, directory=tmp_path / "run", device="cuda")
    assert isinstance(result, TrainResult)
    assert (result.status, result.notes) == (Status.FINISHED, ())


def test_validation_images_are_sent_once(digits_pack: Path) -> None:
    validation = Validation(Pack.open(digits_pack), torch.device("cuda"), ())
    first = validation.batches(Passes(None))
    assert first._images._values[0].is_cuda
    assert validation.batches(Passes(None)) is first


def test_paused_within_an_epoch_it_does_no_batch_again(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    asked = iter(range(10**6))
    wish = lambda: Signal.PAUSE if next(asked) >= 14 else Signal.CONTINUE  # noqa: E731
    *_, whole = train(small_config(), pack=digits_pack, directory=tmp_path / "whole", device="cuda")
    list(train(small_config(), pack=digits_pack, directory=tmp_path / "parts", device="cuda", signal=wish))
    done: list[Activity] = []
    *_, result = train(small_config(), pack=digits_pack, directory=tmp_path / "parts", device="cuda", tell=done.append)
    assert next(activity.done for activity in done if activity.words == "training") == 3  # 12 batches an epoch
    assert isinstance(whole, TrainResult)
    assert isinstance(result, TrainResult)
    for one, other in zip(whole.history, result.history, strict=True):
        assert other.metrics["train_loss"] == pytest.approx(one.metrics["train_loss"], rel=1e-3)


def test_divergence_is_seen_within_two_looks() -> None:
    watch = DivergenceWatch(torch.device("cuda"))
    total = torch.tensor(float("nan"), device="cuda")
    steps = 0
    while not watch.diverged(total):
        torch.cuda.synchronize()
        steps += 1
        assert steps < 40


def test_cards_share_a_batch_where_there_are_as_many(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = small_config(devices=2, precision={"dtype": "fp32"})
    if torch.cuda.device_count() < 2:
        with pytest.raises(TrainingError, match="devices: 2 are to share a batch, and torch sees 1 from cuda on"):
            list(train(config, pack=digits_pack, directory=tmp_path, device="cuda"))
        return
    one = config.model_copy(update={"devices": 1})
    (*_, alone), (*_, shared) = (
        list(train(each, pack=digits_pack, directory=tmp_path / str(each.devices), device="cuda"))
        for each in (one, config)
    )
    assert isinstance(alone, TrainResult)
    assert isinstance(shared, TrainResult)
    assert shared.history[0].metrics["train_loss"] == pytest.approx(alone.history[0].metrics["train_loss"], rel=0.2)
