"""A run that was interrupted ends bit-identical to one that was not."""

import contextlib
import json
import logging
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from hpo.training.checkpoints.checkpoint import load, save
from hpo.training.config import TrialConfig
from hpo.training.length import begins_as
from hpo.training.models.source import name_model
from hpo.training.optim.config import OptimizerConfig, ScheduleConfig
from hpo.training.report import EpochReport, Signal, Status, TrainResult
from hpo.training.train import train

from ...warm.client import Command

Make = Callable[..., TrialConfig]

EVERYTHING = {
    "crop_padding": 1,
    "crop_area": 0.6,
    "flip": True,
    "alternate_flip": True,
    "policy": "rand",
    "rotation": 10.0,
    "translate": 0.1,
    "scale": 0.1,
    "shear": 5.0,
    "brightness": 0.3,
    "contrast": 0.3,
    "saturation": 0.3,
    "hue": 0.1,
    "erase": 0.3,
    "cutout": 2,
    "mixup": 0.2,
    "cutmix": 1.0,
    "mix_share": 0.7,
}

SGD = {"name": "sgd", "lr": 0.05, "weight_decay": 1e-3}
ADAMW = {"name": "adamw", "lr": 3e-3, "weight_decay": 1e-2}
EPOCHS = 4
STEPS = 12  # batches of 128 digits


pytestmark = pytest.mark.usefixtures("one_thread")


def config_of(make: Make, **sections: Any) -> TrialConfig:
    return make(
        **{
            "model": {"name": "simple_cnn", "width": 4, "dropout": 0.5},
            "augment": {"crop_padding": 1, "flip": True},
            "budget": {"epochs": EPOCHS},
            **sections,
        }
    )


def finish(config: TrialConfig, pack: Path, directory: Path) -> TrainResult:
    *_, result = train(config, pack=pack, directory=directory)
    assert isinstance(result, TrainResult)
    return result


def values(result: TrainResult) -> list[dict[str, float]]:
    """Every metric but the one that is a time."""
    return [{k: v for k, v in r.metrics.items() if k != "images_per_s"} for r in result.history]


def same_state(left: Any, right: Any) -> bool:
    if isinstance(left, torch.Tensor):
        return torch.equal(left, right)
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same_state(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same_state, left, right))
    return bool(left == right)


def assert_same_run(left: Path, right: Path, results: tuple[TrainResult, TrainResult]) -> None:
    assert values(results[0]) == values(results[1])
    assert [r.epoch for r in results[1].history] == list(range(1, EPOCHS + 1))
    for name in ("last.ckpt", "best.ckpt"):
        states = [load(directory / name) for directory in (left, right)]
        keys = [key for key in ("model", "average", "optimizer", "scaler") if key in states[0]]
        assert all(same_state(states[0][key], states[1][key]) for key in keys)


def pause_at(batch: int) -> Callable[[], Signal]:
    asked = iter(range(10**9))
    return lambda: Signal.PAUSE if next(asked) >= batch else Signal.CONTINUE


# Every optimiser, every schedule, and everything else that has a state or draws random numbers, at least once.
RUNS: dict[str, dict[str, Any]] = {
    "sgd, constant": {"optimizer": SGD, "schedule": {"name": "constant"}},
    "sgd, piecewise": {"optimizer": SGD, "schedule": {"name": "piecewise", "factors": [1.0, 0.3], "warmup": 0.1}},
    "adamw, step, averaged": {"optimizer": ADAMW, "schedule": {"name": "step"}, "ema": {"decay": 0.98}},
    "adam, cosine, accumulated": {
        "optimizer": {"name": "adam", "lr": 3e-3, "max_grad_value": 0.1},
        "schedule": {"name": "cosine", "warmup": 0.2},
        "memory": {"micro_batch": 48},
    },
    "rmsprop, one_cycle, weighted, focal": {
        "optimizer": {"name": "rmsprop", "lr": 1e-3, "momentum": 0.5, "centered": True},
        "schedule": {"name": "one_cycle"},
        "sampling": {"method": "weighted"},
        "loss": {"kind": "focal", "class_weights": "effective"},
    },
    "muon, plateau, undersampled": {
        "optimizer": {"name": "muon", "lr": 3e-2, "max_grad_norm": 1.0},
        "schedule": {"name": "plateau", "metric": "val_ece", "patience": 1, "warmup": 0.1},
        "sampling": {"method": "undersample", "ratio": 1.1},
    },
    "sgd, plateau, averaged, accumulated, bf16": {
        "optimizer": {**SGD, "max_grad_norm": 0.5},
        "schedule": {"name": "plateau", "metric": "train_loss", "patience": 1, "min_delta": 0.3},
        "ema": {"decay": 0.9},
        "memory": {"micro_batch": 100},
        "precision": {"dtype": "bf16"},
        "metrics": ["val_macro_f1"],
    },
    "adamw, cosine, every augmentation": {
        "optimizer": ADAMW,
        "schedule": {"name": "cosine"},
        "augment": EVERYTHING,
        "loss": {"kind": "focal", "class_weights": "inverse", "label_smoothing": 0.1},
        "memory": {"micro_batch": 48},
        "ema": {"decay": 0.9},
    },
}


def test_the_runs_cover_every_optimiser_and_schedule() -> None:
    for section, configs in (("optimizer", OptimizerConfig), ("schedule", ScheduleConfig)):
        variants = get_args(get_args(configs)[0])
        names = {variant.model_fields["name"].default for variant in variants}
        assert {run[section]["name"] for run in RUNS.values()} == names


LENGTH_FREE: dict[str, dict[str, Any]] = {
    "constant": {"schedule": {"name": "constant"}, "optimizer": ADAMW},
    "plateau": {"schedule": {"name": "plateau", "metric": "train_loss", "patience": 1, "min_delta": 0.3}},
    "piecewise": {"schedule": {"name": "piecewise", "factors": [1.0, 0.3]}, "ema": {"decay": 0.9}},
}
"""Schedules whose first epochs are the same whatever their number."""


@pytest.mark.parametrize("name", LENGTH_FREE)
def test_a_longer_training_goes_on_from_a_shorter_one_bit_by_bit(
    name: str, digits_pack: Path, small_config: Make, tmp_path: Path
) -> None:
    short = config_of(small_config, **LENGTH_FREE[name], budget={"epochs": 2})
    long = config_of(small_config, **LENGTH_FREE[name], budget={"epochs": 3})
    assert begins_as(long, short)
    finish(short, digits_pack, tmp_path / "parts")
    parts = finish(long, digits_pack, tmp_path / "parts")
    whole = finish(long, digits_pack, tmp_path / "whole")
    assert values(parts) == values(whole)
    assert parts.notes == ()
    states = [load(tmp_path / folder / "last.ckpt") for folder in ("parts", "whole")]
    assert same_state(states[0]["model"], states[1]["model"])


@pytest.mark.parametrize(
    "schedule",
    [{"name": "cosine"}, {"name": "one_cycle"}, {"name": "step"}, {"name": "constant", "warmup": 0.1}],
)
def test_under_a_schedule_of_another_length_nothing_is_gone_on_with(
    schedule: dict[str, Any], small_config: Make
) -> None:
    short, long = (config_of(small_config, schedule=schedule, budget={"epochs": epochs}) for epochs in (2, 3))
    assert not begins_as(long, short)
    assert begins_as(short, short)


def test_a_shorter_or_another_training_is_none_that_begins_alike(small_config: Make) -> None:
    constant = {"schedule": {"name": "constant"}}
    short, long = (config_of(small_config, **constant, budget={"epochs": epochs}) for epochs in (2, 3))
    assert not begins_as(short, long)
    assert not begins_as(long, config_of(small_config, **constant, budget={"epochs": 2}, seed=1))
    assert not begins_as(long, config_of(small_config, **constant, budget={"epochs": 2, "patience": 1}))


class Killed(BaseException):
    """Ends a run as a kill does: nothing in it is asked."""


def killed_at(batch: int) -> Callable[[], Signal]:
    asked = iter(range(10**9))

    def signal() -> Signal:
        if next(asked) >= batch:
            raise Killed
        return Signal.CONTINUE

    return signal


@pytest.mark.parametrize("name", RUNS)
def test_left_at_random_points(name: str, digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = config_of(small_config, **RUNS[name])
    whole = finish(config, digits_pack, tmp_path / "whole")
    draw = random.Random(name)
    directory = tmp_path / "parts"
    *_, paused = train(config, pack=digits_pack, directory=directory, signal=pause_at(draw.randrange(EPOCHS * 9)))
    assert isinstance(paused, TrainResult)
    assert paused.status is Status.PAUSED
    torch.manual_seed(draw.randrange(1000))
    with contextlib.suppress(Killed):
        list(train(config, pack=digits_pack, directory=directory, signal=killed_at(draw.randrange(2 * STEPS))))
    iterator = train(config, pack=digits_pack, directory=directory)
    if isinstance(next(iterator), EpochReport):  # closed after a report, the checkpoint of which must be there
        iterator.close()  # type: ignore[attr-defined]
    assert_same_run(tmp_path / "whole", directory, (whole, finish(config, digits_pack, directory)))


def test_the_plateau_of_those_runs_is_reached(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    name = "sgd, plateau, averaged, accumulated, bf16"
    result = finish(config_of(small_config, **RUNS[name]), digits_pack, tmp_path)
    assert len({report.metrics["lr"] for report in result.history}) > 1


def test_old_epochs_are_not_reported_again(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = config_of(small_config)
    [*first, paused] = train(config, pack=digits_pack, directory=tmp_path, signal=pause_at(2 * STEPS))
    [*second, result] = train(config, pack=digits_pack, directory=tmp_path)
    assert [item.epoch for item in (*first, *second) if isinstance(item, EpochReport)] == [1, 2, 3, 4]
    assert isinstance(paused, TrainResult)
    assert isinstance(result, TrainResult)
    assert result.history[:2] == paused.history
    assert result.history[2].elapsed_s > paused.history[1].elapsed_s


CHILD = """
import sys
from pathlib import Path
import torch
from hpo.training.config import TrialConfig
from hpo.training.train import train
torch.set_num_threads(1)
config = TrialConfig.model_validate_json(sys.argv[1])
for item in train(config, pack=Path(sys.argv[2]), directory=Path(sys.argv[3])):
    print(item, flush=True)
"""


@pytest.mark.usefixtures("warm")
def test_killed_by_sigkill(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = config_of(small_config, optimizer=ADAMW, ema={"decay": 0.9}, memory={"micro_batch": 50})
    whole = finish(config, digits_pack, tmp_path / "whole")
    directory = tmp_path / "killed"
    command = ["-c", CHILD, config.model_dump_json(), str(digits_pack), str(directory)]
    with Command(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(2):
            assert child.stdout.readline().startswith("EpochReport")
        os.kill(child.pid, signal.SIGKILL)
    assert child.returncode == -signal.SIGKILL
    assert not (directory / "result.json").exists()
    assert_same_run(tmp_path / "whole", directory, (whole, finish(config, digits_pack, directory)))


def test_a_finished_run_gives_its_result_again(digits_pack: Path, small_config: Make, tmp_path: Path) -> None:
    config = config_of(small_config)
    first = finish(config, digits_pack, tmp_path)
    began = time.monotonic()
    assert list(train(config, pack=digits_pack, directory=tmp_path)) == [first]
    assert time.monotonic() - began < 5


def test_the_checkpoint_of_another_run_is_set_aside(
    digits_pack: Path, small_config: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    finish(config_of(small_config, seed=1), digits_pack, tmp_path)
    other = (tmp_path / "best.ckpt").read_bytes()
    config = config_of(small_config, seed=2)
    with caplog.at_level(logging.WARNING):
        result = finish(config, digits_pack, tmp_path)
    assert "belongs to another training, its config differs" in caplog.text
    assert len(result.history) == EPOCHS
    assert (tmp_path / "set-aside-1" / "best.ckpt").read_bytes() == other
    assert values(result) == values(finish(config, digits_pack, tmp_path / "fresh"))


def resave(directory: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    """Save the checkpoint again as a version would have, whose configurations were as `edit` leaves them."""
    for name in ("last.ckpt", "best.ckpt"):
        state = load(directory / name)
        config = json.loads(state["identity"]["config"])
        edit(config)
        state["identity"]["config"] = json.dumps(config)
        save(directory / name, state)


@pytest.mark.parametrize(
    "edit",
    [
        lambda config: config.pop("ema"),  # as a version before this section was saved it
        lambda config: config["budget"].pop("min_delta"),
        lambda config: config.update(dict(reversed(config.items()))),  # as one with another order of the fields
        lambda config: config["optimizer"].update(weight_decay=0),  # 0 for 0.0
    ],
)
def test_a_configuration_is_the_same_by_its_meaning(
    edit: Callable[[dict[str, Any]], None],
    digits_pack: Path,
    small_config: Make,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = config_of(small_config, optimizer={"name": "sgd", "lr": 0.05, "weight_decay": 0.0}, budget={"epochs": 2})
    whole = finish(config, digits_pack, tmp_path / "whole")
    list(train(config, pack=digits_pack, directory=tmp_path / "parts", signal=pause_at(STEPS + 1)))
    resave(tmp_path / "parts", edit)
    result = finish(config, digits_pack, tmp_path / "parts")
    assert not caplog.records
    assert not list((tmp_path / "parts").glob("set-aside-*"))
    assert values(result) == values(whole)


@pytest.mark.parametrize(
    "edit",
    [
        lambda config: config["budget"].update(min_delta=0.1, patience=3),
        lambda config: config.update(gone=1),  # of a version that had more
    ],
)
def test_a_configuration_that_means_something_else_is_another_one(
    edit: Callable[[dict[str, Any]], None], digits_pack: Path, small_config: Make, tmp_path: Path
) -> None:
    config = config_of(small_config, budget={"epochs": 1})
    finish(config, digits_pack, tmp_path)
    resave(tmp_path, edit)
    result = finish(config, digits_pack, tmp_path)
    assert result.notes == (
        f"{tmp_path}/last.ckpt: belongs to another training, its config differs; "
        f"moved to {tmp_path}/set-aside-1, training starts anew",
    )


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b[:99] + b"x" + b[100:]])
@pytest.mark.parametrize("name", ["last.ckpt", "best.ckpt"])
def test_a_damaged_checkpoint_is_set_aside(
    name: str,
    damage: Callable[[bytes], bytes],
    digits_pack: Path,
    small_config: Make,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    config = config_of(small_config, budget={"epochs": 1})
    first = finish(config, digits_pack, tmp_path)
    (tmp_path / name).write_bytes(damage((tmp_path / name).read_bytes()))
    with caplog.at_level(logging.WARNING):
        result = finish(config, digits_pack, tmp_path)
    assert name in caplog.text
    assert (tmp_path / "set-aside-1" / name).exists()
    assert values(result) == values(first)


def test_a_models_changed_code_starts_anew(
    digits_pack: Path, small_config: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "flat.py"
    source = (
        "from torch import nn\ndef net(num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    file.write_text(source)
    config = config_of(small_config, model={"name": f"{file}:net"}, budget={"epochs": 1})
    finish(config, digits_pack, tmp_path / "run")
    file.write_text(source.replace("nn.Flatten()", "nn.Flatten(), nn.ReLU()"))
    name_model(config.model)
    with caplog.at_level(logging.WARNING):
        finish(config, digits_pack, tmp_path / "run")
    assert "model_source differs" in caplog.text


def test_a_model_whose_file_lies_elsewhere_goes_on(
    digits_pack: Path, small_config: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    results = []
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "flat.py").write_text(
            "from torch import nn\ndef net(num_classes, in_channels):\n"
            "    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
        )
        config = config_of(small_config, model={"name": f"{tmp_path}/{folder}/flat.py:net"}, budget={"epochs": 1})
        results.append(finish(config, digits_pack, tmp_path / "run"))
    assert values(results[0]) == values(results[1])
    assert not caplog.records
    assert not list((tmp_path / "run").glob("set-aside-*"))


SHORT_OF_MEMORY = """
from pathlib import Path
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, num_classes, in_channels, sign, error):
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))
        self.sign, self.error = Path(sign), error

    def load_state_dict(self, *arguments, **more):
        if self.sign.exists():
            raise RuntimeError(self.error)
        return super().load_state_dict(*arguments, **more)
"""


@pytest.mark.parametrize("pause", [STEPS, STEPS + 5], ids=["between epochs", "within one"])
@pytest.mark.parametrize("error", ["CUDA out of memory. Tried to allocate 2.00 GiB.", "CUDA error: unknown error"])
def test_a_card_that_takes_no_checkpoint_says_nothing_about_it(
    error: str, pause: int, digits_pack: Path, small_config: Make, tmp_path: Path
) -> None:
    (tmp_path / "net.py").write_text(SHORT_OF_MEMORY)
    sign, directory = tmp_path / "sign", tmp_path / "run"
    model = {"name": f"{tmp_path}/net.py:Net", "sign": str(sign), "error": error}
    config = config_of(small_config, model=model, budget={"epochs": 2})
    list(train(config, pack=digits_pack, directory=directory, signal=pause_at(pause)))
    sign.write_text("")
    if "memory" in error:
        assert finish(config, digits_pack, directory).status is Status.OUT_OF_MEMORY
    else:
        with pytest.raises(RuntimeError, match=error):
            finish(config, digits_pack, directory)
    sign.unlink()
    [*reports, result] = train(config, pack=digits_pack, directory=directory)
    assert [report.epoch for report in reports if isinstance(report, EpochReport)] == [2]
    assert isinstance(result, TrainResult)
    assert (result.status, result.notes) == (Status.FINISHED, ())
