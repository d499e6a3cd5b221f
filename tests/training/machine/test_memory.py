"""Smaller passes for want of memory: the same step, up to float error; and running out of memory on the way.

The allocator's limit is that of a model of the tests' own, which raises what CUDA raises when it is given too many
images.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.training.checkpoints.checkpoint import load
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.loop.learner import Learner
from hpo.training.loop.validation import Validation
from hpo.training.machine.memory import (
    Card,
    Passes,
    cards_in_use,
    count_passes,
    is_out_of_memory,
    judge_shortage,
    peak_memory,
)
from hpo.training.report import Signal, Status, TrainResult
from hpo.training.train import train
from torch import nn

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")

MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels, most_train=10**6, most_eval=10**6, from_step=0):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(in_channels, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Flatten(), nn.Dropout(0.2), nn.Linear(8 * 64, num_classes),
        )
        self.most = {True: most_train, False: most_eval}
        self.from_step = from_step
        self.register_buffer("steps", torch.tensor(0))

    def forward(self, images):
        self.steps += self.training
        logits = self.body(images)  # statistics and random numbers have moved on when memory runs out
        if len(images) > self.most[self.training] and self.steps >= self.from_step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return logits
"""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def greedy(small_config: Make, tmp_path: Path) -> Make:
    """A configuration of the model above; `model` are its arguments."""
    (tmp_path / "net.py").write_text(MODEL)

    def make(model: dict[str, int] | None = None, **sections: Any) -> TrialConfig:
        name = f"{tmp_path / 'net.py'}:Net"
        return small_config(
            model={"name": name, **(model or {})}, **{"ema": {"decay": 0.9}, "budget": {"epochs": 2}, **sections}
        )

    return make


def run(config: TrialConfig, pack: Path, directory: Path, **options: Any) -> TrainResult:
    *_, result = train(config, pack=pack, directory=directory, **options)
    assert isinstance(result, TrainResult)
    return result


def weights(directory: Path) -> list[torch.Tensor]:
    state = load(directory / "last.ckpt")
    return [*state["model"].values(), *state["average"]["model"].values()]


def same(left: Path, right: Path) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(left), weights(right), strict=True))


def gradients(config: TrialConfig, images: torch.Tensor, labels: torch.Tensor) -> tuple[list[torch.Tensor], Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
    learner = Learner(config, model, CPU, (50,) * 9 + (5,))
    answer = learner.step(images, labels, lr=0.0)
    return [p.grad for p in learner.model.parameters() if p.grad is not None], answer


@pytest.mark.parametrize("micro_batch", [1, 5, 16, 22, 23, 1000])
@pytest.mark.parametrize("loss", [{"label_smoothing": 0.1}, {"kind": "focal", "class_weights": "inverse"}])
def test_micro_batches_add_up_to_the_batch(micro_batch: int, loss: dict[str, Any], small_config: Make) -> None:
    torch.manual_seed(1)
    images, labels = torch.randn(23, 1, 8, 8), torch.randint(0, 10, (23,))
    whole, (loss_whole, logits_whole, norm_whole) = gradients(small_config(loss=loss), images, labels)
    config = small_config(loss=loss, memory={"micro_batch": micro_batch})
    parts, (loss_parts, logits_parts, norm_parts) = gradients(config, images, labels)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(whole, parts, strict=True))
    assert torch.allclose(logits_whole, logits_parts, atol=1e-5)
    assert (loss_parts.item(), norm_parts.item()) == pytest.approx((loss_whole.item(), norm_whole.item()), rel=1e-5)


def test_no_micro_batch_is_larger_than_asked(greedy: Make, digits_pack: Path, tmp_path: Path) -> None:
    config = greedy({"most_train": 32}, memory={"micro_batch": 32}, budget={"epochs": 1})
    result = run(config, digits_pack, tmp_path / "run")
    assert (result.status, result.notes) == (Status.FINISHED, ())


@pytest.mark.parametrize("from_step", [0, 17])  # in the first step; in the middle of the second epoch
def test_out_of_memory_goes_on_as_accumulation(from_step: int, greedy: Make, digits_pack: Path, tmp_path: Path) -> None:
    config = greedy({"most_train": 40, "from_step": from_step})
    result = run(config, digits_pack, tmp_path / "short")
    assert result.status is Status.FINISHED
    assert len(result.history) == 2
    epoch = 1 + (from_step > 0)
    assert result.notes == (
        f"out of memory in epoch {epoch}: from here on passes of 64 images",
        f"out of memory in epoch {epoch}: from here on passes of 32 images",
    )
    assert load(tmp_path / "short" / "last.ckpt")["passes"] == {"train": 32, "evaluate": 512}
    if from_step == 0:
        run(greedy(memory={"micro_batch": 32}), digits_pack, tmp_path / "asked")
        assert same(tmp_path / "short", tmp_path / "asked")


@pytest.mark.parametrize("pause", [14, 20, 27])  # before it runs out in epoch 2, between the attempts, after them
def test_interrupted_around_it_the_run_ends_the_same(
    pause: int, greedy: Make, digits_pack: Path, tmp_path: Path
) -> None:
    config = greedy({"most_train": 40, "from_step": 17})
    whole = run(config, digits_pack, tmp_path / "whole")
    asked = iter(range(10**6))
    wish = lambda: Signal.PAUSE if next(asked) >= pause else Signal.CONTINUE  # noqa: E731
    assert run(config, digits_pack, tmp_path / "parts", signal=wish).status is Status.PAUSED
    result = run(config, digits_pack, tmp_path / "parts")
    assert result.notes == whole.notes
    assert same(tmp_path / "parts", tmp_path / "whole")


def test_evaluation_takes_smaller_passes_of_its_own(greedy: Make, digits_pack: Path, tmp_path: Path) -> None:
    config = greedy({"most_eval": 50})
    result = run(config, digits_pack, tmp_path / "short")
    plain = run(greedy(), digits_pack, tmp_path / "plain")
    assert result.status is Status.FINISHED
    assert load(tmp_path / "short" / "last.ckpt")["passes"] == {"train": None, "evaluate": 32}
    for found, expected in zip(result.history, plain.history, strict=True):
        assert found.metrics["val_loss"] == pytest.approx(expected.metrics["val_loss"], rel=1e-5)
        assert found.metrics["train_loss"] == expected.metrics["train_loss"]


@pytest.mark.parametrize("limit", ["most_train", "most_eval"])
def test_one_image_too_many_is_a_result(limit: str, greedy: Make, digits_pack: Path, tmp_path: Path) -> None:
    result = run(greedy({limit: 0}), digits_pack, tmp_path / "run")
    assert result.status is Status.OUT_OF_MEMORY
    assert "Tried to allocate" in result.message
    assert result.history == ()


@pytest.mark.parametrize(
    "model", [{"name": "simple_cnn", "width": 4, "dropout": 0.5}, {"name": "resnet", "depth": 10, "width": 4}]
)
def test_activations_computed_twice_train_alike(
    model: dict[str, Any], small_config: Make, digits_pack: Path, tmp_path: Path
) -> None:
    results = []
    for twice in (False, True):
        memory = {"checkpoint_activations": twice, "micro_batch": 64}
        config = small_config(model=model, memory=memory, ema={"decay": 0.9}, budget={"epochs": 2})
        results.append(run(config, digits_pack, tmp_path / str(twice)))
    losses = [[r.metrics["val_loss"] for r in result.history] for result in results]
    assert losses[0] == losses[1]
    assert same(tmp_path / "False", tmp_path / "True")


def test_activations_computed_twice_are_not_kept(small_config: Make, digits_pack: Path) -> None:
    kept = []
    for twice in (False, True):
        sizes: dict[int, int] = {}

        def keep(tensor: torch.Tensor, sizes: dict[int, int] = sizes) -> torch.Tensor:
            sizes[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        config = small_config(
            model={"name": "resnet", "depth": 10, "width": 8}, memory={"checkpoint_activations": twice}
        )
        learner = Learner.create(config, Pack.open(digits_pack), CPU)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            learner.model(torch.randn(64, 1, 8, 8))
        kept.append(sum(sizes.values()))
    assert kept[1] < 0.5 * kept[0]


@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("most", [1, 2, 3, 5, 16, None])
def test_no_pass_is_too_small_and_hardly_one_too_large(most: int | None, least: int) -> None:
    for images in range(1, 70):
        sizes = [len(part) for part in torch.zeros(images).tensor_split(count_passes(images, most, least))]
        assert sum(sizes) == images
        assert min(sizes) >= min(least, images)
        assert most is None or max(sizes) <= max(most, least) + (least == 2 and most in (1, 2) and images % 2)


def test_passes_halve_until_one() -> None:
    passes, sizes = Passes(None), []
    while (smaller := passes.smaller_train(100, least=1)) is not None:
        passes = smaller
        sizes.append(passes.train)
    assert sizes == [50, 25, 13, 7, 4, 2, 1]
    assert Passes(1000).smaller_train(8, least=1) == Passes(4)  # a pass was never larger than the batch
    assert Passes(3).smaller_train(8, least=2) == Passes(2)
    assert Passes(2).smaller_train(8, least=2) is None
    assert Passes(None).smaller_train(1, least=2) is None
    assert Passes(3, 2).smaller_evaluate() == Passes(3, 1)
    assert Passes(3, 1).smaller_evaluate() is None


def test_out_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**50)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("x"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))


GIB = 2**30
FULL, ROOMY = Card(free=GIB, total=16 * GIB, own=15 * GIB), Card(free=8 * GIB, total=16 * GIB, own=8 * GIB)
SHARED = Card(free=GIB // 2, total=16 * GIB, own=4 * GIB)


@pytest.mark.parametrize(
    ("text", "full", "roomy"),
    [
        ("cuDNN error: CUDNN_STATUS_ALLOC_FAILED", True, True),
        ("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`", True, True),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", True, True),
        ("CUDA driver error: out of memory", True, True),
        ("cuDNN error: CUDNN_STATUS_NOT_SUPPORTED. This error may appear if you passed in a ...", True, False),
        ("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR", True, False),
        ("GET was unable to find an engine to execute this computation", True, False),
        ("CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`", True, False),
        ("CUDA error: an illegal memory access was encountered", False, False),
        ("cuDNN error: CUDNN_STATUS_BAD_PARAM", False, False),
    ],
)
def test_what_may_be_memory_is_where_a_card_is_full(text: str, full: bool, roomy: bool) -> None:
    error = RuntimeError(text)
    assert is_out_of_memory(error, lambda: [ROOMY, FULL]) is full
    assert is_out_of_memory(error, lambda: [ROOMY]) is roomy
    assert is_out_of_memory(error, list) is roomy
    assert not is_out_of_memory(ValueError(text), lambda: [FULL])


def test_out_of_memory_beside_others_is_no_verdict_unless_it_was_to_be_alone() -> None:
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nstatistics")
    own = (Status.OUT_OF_MEMORY, "CUDA out of memory. Tried to allocate 2.00 GiB.")
    for alone in (True, False):
        assert judge_shortage(error, None, alone=alone) == own
        assert judge_shortage(error, FULL, alone=alone) == own
        status, message = judge_shortage(error, SHARED, alone=alone)
        assert status is (Status.OUT_OF_MEMORY if alone else Status.CROWDED)
        assert message == f"{own[1]} (other processes hold 11.5 GiB of the card)"


def test_a_context_of_its_own_is_no_neighbour() -> None:
    assert Card(free=15 * GIB, total=16 * GIB, own=GIB // 2).others == 0


@pytest.mark.skipif(torch.cuda.is_available(), reason="what there is without a card")
def test_without_cuda_no_card_is_in_use() -> None:
    assert cards_in_use() == []


def test_validation_batches_stay_until_memory_is_short(few: Path) -> None:
    validation = Validation(Pack.open(few), CPU, ())
    first = validation.batches(Passes(None))
    assert validation.batches(Passes(None)) is first
    validation.free()
    assert validation.batches(Passes(None)) is not first


def test_the_peak_is_measured_where_there_is_one() -> None:
    assert peak_memory(CPU) == {}
