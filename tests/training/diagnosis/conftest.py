"""Runs made ill on purpose, each in one way, and runs that are well, each unlike the others."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.models.source import name_model
from hpo.training.report import TrainResult
from hpo.training.train import train
from PIL import Image

NETS = '''
import torch
from torch import nn

ACTIVATIONS = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid}


class Mlp(nn.Sequential):
    """Fully connected, without norms; `gain` scales its first weights, `bias` is that of its hidden layers."""

    def __init__(self, num_classes, in_channels, image_size, depth=2, width=32, activation="relu", gain=1.0, bias=None):
        sizes = [in_channels * image_size**2] + [width] * depth
        layers = [nn.Flatten()]
        for i, o in zip(sizes, sizes[1:]):
            layers += [nn.Linear(i, o), ACTIVATIONS[activation]()]
        super().__init__(*layers, nn.Linear(width, num_classes))
        for layer in self:
            if isinstance(layer, nn.Linear):
                layer.weight.data.mul_(gain)
        for layer in list(self)[:-1]:
            if bias is not None and isinstance(layer, nn.Linear):
                nn.init.constant_(layer.bias, bias)


class Linear(nn.Sequential):
    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))


class HalfDead(Mlp):
    """Half of its first hidden units never answer."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes, in_channels, image_size)
        self[1].bias.data[:16] = -20.0


class Rare(Mlp):
    """Each of its hidden units answers to a few images in a hundred."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes, in_channels, image_size, depth=1, bias=-0.9)


class Frozen(Mlp):
    """Its first layer does not learn."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes, in_channels, image_size)
        self[1].requires_grad_(False)


class Detached(Mlp):
    """A forgotten `detach`: no gradient reaches its first layers."""

    def forward(self, images):
        for number, layer in enumerate(self):
            images = layer(images).detach() if number == 2 else layer(images)
        return images


class Unused(Mlp):
    """It has a layer that it never asks."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes, in_channels, image_size)
        self.extra = nn.Linear(4, 4)

    def forward(self, images):
        for layer in list(self)[:-1]:
            images = layer(images)
        return images


class Confident(Mlp):
    """Its logits are a hundred times too large."""

    def forward(self, images):
        return 100 * super().forward(images)


class TooMany(Linear):
    """Made for seven more classes than there are."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes + 7, in_channels, image_size)


class TooFew(Linear):
    """Made for one class less than there are."""

    def __init__(self, num_classes, in_channels, image_size):
        super().__init__(num_classes - 1, in_channels, image_size)


class Blind(Linear):
    """It forgets its input."""

    def forward(self, images):
        return super().forward(images * 0)


class NotANumber(Linear):
    def forward(self, images):
        return super().forward(images) / 0
'''


@dataclass(frozen=True)
class Case:
    """A configuration on some data, and how the pack of these data is spoilt."""

    sections: Mapping[str, Any] = field(default_factory=dict)
    data: str = "digits"
    spoil: Callable[[Path], None] = lambda pack: None
    max_train: int | None = None


@dataclass(frozen=True)
class Recorded:
    """A case as it was trained."""

    config: TrialConfig
    pack: Pack
    result: TrainResult


def shuffle_labels(pack: Path) -> None:
    labels = np.load(pack / "labels.npy")
    np.random.default_rng(0).shuffle(labels)
    np.save(pack / "labels.npy", labels)


def forget_normalisation(pack: Path) -> None:
    """Pixels go in as 0 to 255."""
    manifest = json.loads((pack / "manifest.json").read_text())
    channels = manifest["channels"]
    manifest |= {"mean": [0.0] * channels, "std": [1 / 255] * channels}
    (pack / "manifest.json").write_text(json.dumps(manifest))


def net(name: str, **arguments: Any) -> dict[str, Any]:
    return {"name": f"nets.py:{name}", **arguments}


def sgd(lr: float, **fields: Any) -> dict[str, Any]:
    return {"name": "sgd", "lr": lr, **fields}


RESNET = {"name": "resnet", "depth": 10, "width": 8}
SMOOTH = {"label_smoothing": 0.1}
EIGHT, TWENTY = {"epochs": 8}, {"epochs": 20}

HEALTHY = {
    "cnn, adamw": Case(),
    "cnn, sgd": Case({"optimizer": sgd(0.05, weight_decay=5e-4), "schedule": {"name": "constant"}}),
    "cnn, rmsprop": Case({"optimizer": {"name": "rmsprop", "lr": 1e-3}, "loss": {"kind": "focal"}}),
    "cnn, muon": Case({"optimizer": {"name": "muon", "lr": 5e-3}}),
    "wide cnn, adam, averaged": Case(
        {"model": {"name": "simple_cnn", "width": 16, "dropout": 0.5}, "optimizer": {"name": "adam", "lr": 3e-3},
         "ema": {"decay": 0.9}}
    ),
    "resnet, sgd, one_cycle": Case(
        {"model": RESNET, "optimizer": sgd(0.1), "schedule": {"name": "one_cycle"}, "loss": SMOOTH,
         "augment": {"crop_padding": 1}}
    ),
    "linear, sgd": Case({"model": net("Linear"), "optimizer": sgd(0.05)}),
    "mlp, adamw, 20 epochs": Case({"model": net("Mlp"), "budget": TWENTY}),
    "fashion, cnn, adamw": Case(data="fashion_mnist"),
    "fashion, resnet, adamw": Case({"model": RESNET, "budget": {"epochs": 5}}, data="fashion_mnist"),
    "generated, cnn, sgd, weighted": Case(
        {"optimizer": sgd(0.05), "loss": {"class_weights": "inverse"}}, data="generated"
    ),
    "generated, resnet, adamw": Case({"model": RESNET, "sampling": {"method": "weighted"}}, data="generated"),
}  # fmt: skip

ILL = {
    "lr x 1000, sgd": Case({"optimizer": sgd(50.0)}),
    "lr x 1000, adamw": Case({"optimizer": {"name": "adamw", "lr": 3.0}}),
    "lr x 1000, resnet": Case({"model": RESNET, "optimizer": sgd(100.0)}),
    "lr x 1000, mlp": Case({"model": net("Mlp", depth=3), "optimizer": sgd(5.0)}),
    "lr / 1000": Case({"optimizer": {"name": "adamw", "lr": 3e-6}}),
    "lr / 50": Case({"optimizer": {"name": "adamw", "lr": 2e-4}, "budget": {"epochs": 10}}),
    "huge weight decay": Case({"optimizer": sgd(0.05, weight_decay=3.0)}),
    "huge weight decay, adamw": Case({"optimizer": {"name": "adamw", "lr": 3e-3, "weight_decay": 250.0}}),
    "deep sigmoids": Case({"model": net("Mlp", depth=9, activation="sigmoid")}),
    "dead relus": Case({"model": net("Mlp", bias=-20.0)}),
    "exploding start": Case({"model": net("Mlp", depth=6, gain=12.0), "optimizer": sgd(0.05)}),
    "unnormalised": Case({"model": net("Mlp", depth=3), "optimizer": sgd(0.05)}, spoil=forget_normalisation),
    "shuffled labels": Case(spoil=shuffle_labels),
    "shuffled labels, learned by heart": Case(
        {"model": {"name": "simple_cnn", "width": 16, "dropout": 0.0}, "budget": TWENTY}, spoil=shuffle_labels
    ),
    "tiny data": Case({"budget": {"epochs": 40}}, max_train=30),
    "the rate falls too soon": Case(
        {"schedule": {"name": "step", "drops": 4, "gamma": 1e-3}, "budget": {"epochs": 10}}
    ),
    "blind": Case({"model": net("Blind")}),
}  # fmt: skip


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of networks, the healthy ones and the others."""
    path = tmp_path_factory.mktemp("nets") / "nets.py"
    path.write_text(NETS)
    return path


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Colour pictures of 12 pixels in three classes of unequal size: where a bright stripe lies, among noise."""
    root, random = tmp_path_factory.mktemp("generated"), np.random.default_rng(0)
    for label, count in {"left": 200, "middle": 120, "right": 80}.items():
        (root / label).mkdir()
        for number in range(count):
            pixels = random.normal(110, 50, (12, 12, 3))
            start = {"left": 0, "middle": 4, "right": 8}[label]
            pixels[:, start : start + 4] += random.normal(60, 20, 3)
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / label / f"{number}.png")
    return root


Setup = Callable[[Case], tuple[TrialConfig, Path]]
Record = Callable[[str], Recorded]


@pytest.fixture(scope="session")
def set_up(tmp_path_factory: pytest.TempPathFactory, nets: Path, generated: Path) -> Setup:
    """A function from a case to its configuration and its pack; skips where the data set is not installed."""
    cache = tmp_path_factory.mktemp("packs")

    def set_up(case: Case) -> tuple[TrialConfig, Path]:
        data: dict[str, Any] = {"source": case.data, "batch_size": 64, "max_train": case.max_train}
        if case.data == "fashion_mnist":
            data |= {"max_train": 2000, "max_val": 500}
        if case.data == "generated":
            data |= {"source": str(generated), "val_fraction": 0.2, "batch_size": 32}
        if case.max_train is not None:
            data["batch_size"] = 16
        try:
            pack = prepare(DataConfig.model_validate(data), cache=cache).path
        except DataError:
            pytest.skip(f"{case.data} is not installed")
        spoilt = tmp_path_factory.mktemp("pack")
        shutil.copytree(pack, spoilt, dirs_exist_ok=True)
        case.spoil(spoilt)
        config = TrialConfig.model_validate({"data": data, **_sections(case, nets)})
        name_model(config.model)
        return config, spoilt

    return set_up


def _sections(case: Case, nets: Path) -> dict[str, Any]:
    sections: dict[str, Any] = {
        "model": {"name": "simple_cnn", "width": 8},
        "optimizer": {"name": "adamw", "lr": 3e-3},
        "budget": EIGHT,
        **case.sections,
    }
    name = sections["model"]["name"].replace("nets.py", str(nets))
    return {**sections, "model": {**sections["model"], "name": name}}


@pytest.fixture(scope="session")
def record(set_up: Setup, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A function that trains a case by name, once a session."""
    known: dict[str, Recorded] = {}

    def record(name: str) -> Recorded:
        if name not in known:
            config, pack = set_up({**HEALTHY, **ILL}[name])
            *_, result = train(config, pack=pack, directory=tmp_path_factory.mktemp("run"))
            assert isinstance(result, TrainResult)
            known[name] = Recorded(config, Pack.open(pack), result)
        return known[name]

    return record
