"""Models that start from trained weights: which parts move, how far, and that the weights are really those."""

from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.checkpoints.checkpoint import load
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.export.export import export_model
from hpo.training.loop.learner import Learner
from hpo.training.models.blocks import depths
from hpo.training.models.build import build_model
from hpo.training.models.checkpointing import checkpoint_activations
from hpo.training.models.config import FineTuned, ResNet, SimpleCnn, Timm, Torchvision
from hpo.training.models.download import WeightsError, fetch
from hpo.training.models.finetune import Rescale, TunedModel
from hpo.training.models.head import head_parameters
from hpo.training.models.pretrained import fetch_weights, start_from_weights
from hpo.training.models.published import Statistics
from hpo.training.report import Signal, Status, TrainResult
from hpo.training.train import train
from pydantic import ValidationError
from torch import nn
from torchvision.models import get_model

Make = Callable[..., TrialConfig]
CPU = torch.device("cpu")
SHAPE = {"num_classes": 10, "in_channels": 1, "image_size": 8}

ZOO = [{"name": "simple_cnn", "width": 8}, {"name": "resnet", "depth": 10, "width": 8}]
LIBRARIES = [{"name": "torchvision", "arch": "resnet18"}, {"name": "timm", "arch": "resnet10t"}]


def build(config: FineTuned, **shape: int) -> nn.Module:
    return build_model(config, **{**SHAPE, **shape})  # type: ignore[arg-type]


def section(model: dict[str, Any], **more: Any) -> Any:
    kinds = {"simple_cnn": SimpleCnn, "resnet": ResNet, "torchvision": Torchvision, "timm": Timm}
    return kinds[model["name"]](**{**model, **more})


@pytest.fixture(params=[*ZOO, *LIBRARIES], ids=lambda model: str(model["name"]))
def model(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param["name"] == "timm":
        pytest.importorskip("timm")
    return dict(request.param)


@pytest.fixture
def donor(model: dict[str, Any], tmp_path: Path) -> tuple[Path, nn.Module]:
    """Weights of the same model for 5 classes, in a file, and the model that they are of."""
    torch.manual_seed(7)
    net = build(section(model), num_classes=5)
    for buffer in net.buffers():
        if buffer.dtype.is_floating_point:
            buffer.add_(0.25)  # as if it had seen images
    torch.save({"model": net.state_dict()}, tmp_path / "donor.pt")
    return tmp_path / "donor.pt", net


def net_of(learner: Learner) -> nn.Module:
    assert isinstance(learner.model, TunedModel)
    return learner.model.net


def create(config: TrialConfig, digits_pack: Path) -> Learner:
    return Learner.create(config, Pack.open(digits_pack), CPU)


def test_the_backbone_is_the_donors_and_the_head_is_new(
    model: dict[str, Any], donor: tuple[Path, nn.Module], small_config: Make, digits_pack: Path
) -> None:
    file, theirs = donor
    net = net_of(create(small_config(model={**model, "pretrained": str(file)}), digits_pack))
    head, state = head_parameters(net), theirs.state_dict()
    for name, value in net.state_dict().items():
        if name in head:
            assert value.shape[0] == 10
        elif not name.endswith("num_batches_tracked"):
            assert torch.equal(value, state[name]), name


def test_a_frozen_backbone_does_not_move(
    model: dict[str, Any], donor: tuple[Path, nn.Module], small_config: Make, digits_pack: Path
) -> None:
    config = small_config(
        model={**model, "pretrained": str(donor[0]), "backbone_lr": 0.0},
        optimizer={"name": "sgd", "lr": 0.1, "weight_decay": 0.1},
    )
    learner = create(config, digits_pack)
    net = net_of(learner)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    learner.model.train()
    for _ in range(2):
        learner.step(torch.randn(8, 1, 8, 8), torch.arange(8), lr=0.1)
    head = head_parameters(net)
    moved = {name for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == head
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms
    assert not any(norm.training for norm in norms)
    assert learner.model.training


def test_learning_rates_differ_by_depth(
    model: dict[str, Any], donor: tuple[Path, nn.Module], small_config: Make, digits_pack: Path
) -> None:
    """Under SGD without momentum a parameter moves by its rate times its gradient."""
    tuned = {**model, "pretrained": str(donor[0]), "backbone_lr": 0.5, "layer_decay": 0.5}
    learner = create(small_config(model=tuned, optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.0}), digits_pack)
    net = net_of(learner)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    learner.model.train()
    learner.step(torch.randn(8, 1, 8, 8), torch.arange(8), lr=0.1)
    head, depth = head_parameters(net), depths(net)
    top = max(depth.values())
    assert top >= 3
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None
        scale = 1.0 if name in head else 0.5 * 0.5 ** (top - depth[name] + 1)
        assert torch.allclose(before[name] - parameter, 0.1 * scale * parameter.grad, atol=1e-6), name


def test_depth_grows_from_the_images_to_the_head(model: dict[str, Any]) -> None:
    net = build(section(model))
    found = list(depths(net).values())
    assert found == sorted(found)
    assert set(found) == set(range(max(found) + 1)) or set(found) == set(range(1, max(found) + 1))


@pytest.mark.parametrize(
    "model", [*ZOO, pytest.param(LIBRARIES[0], marks=pytest.mark.slow)], ids=lambda m: m["name"], indirect=True
)
def test_interrupted_it_goes_on_bit_by_bit(
    model: dict[str, Any], donor: tuple[Path, nn.Module], small_config: Make, few: Path, tmp_path: Path
) -> None:
    tuned = {"pretrained": str(donor[0]), "backbone_lr": 0.1, "layer_decay": 0.8}
    data = {"source": "digits", "batch_size": 16, "max_train": 100, "max_val": 20}
    config = small_config(model={**model, **tuned}, data=data, budget={"epochs": 2})
    *_, whole = train(config, pack=few, directory=tmp_path / "whole")
    asked = iter(range(100))
    wish = lambda: Signal.PAUSE if next(asked) >= 3 else Signal.CONTINUE  # noqa: E731
    *_, paused = train(config, pack=few, directory=tmp_path / "parts", signal=wish)
    *_, result = train(config, pack=few, directory=tmp_path / "parts")
    assert isinstance(whole, TrainResult)
    assert isinstance(paused, TrainResult)
    assert isinstance(result, TrainResult)
    assert (whole.status, paused.status, result.status) == (Status.FINISHED, Status.PAUSED, Status.FINISHED)
    states = [load(tmp_path / folder / "last.ckpt")["model"] for folder in ("whole", "parts")]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_activations_computed_twice_give_the_same_gradients(model: dict[str, Any]) -> None:
    gradients = []
    for twice in (False, True):
        torch.manual_seed(3)
        net = build(section(model, layer_decay=0.9), image_size=32).train()
        if twice:
            checkpoint_activations(net)
        torch.manual_seed(4)
        nn.functional.cross_entropy(net(torch.randn(4, 1, 32, 32)), torch.arange(4)).backward()
        gradients.append([p.grad for p in net.parameters()])
    for a, b in zip(*gradients, strict=True):
        assert a is not None
        assert b is not None
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "model",
    [
        {"name": "simple_cnn", "width": 8, "norm": "group", "layer_decay": 0.5},
        {"name": "torchvision", "arch": "resnet18", "dropout": 0.1},
    ],
)
def test_it_is_exported_and_gives_the_same_answers(
    model: dict[str, Any], small_config: Make, digits_pack: Path, tmp_path: Path
) -> None:
    config, pack = small_config(model=model), Pack.open(digits_pack)
    torch.manual_seed(0)
    net = build_model(config.model, **SHAPE)
    exported = export_model(Classifier(net, pack.mean, pack.std), config, pack, tmp_path)
    assert exported.onnx.images > 0


# -- statistics and files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_as_the_weights_were_trained(channels: int) -> None:
    wanted = Statistics((0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    rescale = Rescale(wanted, channels)
    pixels = torch.rand(2, channels, 4, 4)
    mean, std = (0.1, 0.2, 0.7)[:channels], (0.5, 0.1, 0.0)[:channels]
    spread = torch.tensor(std).clamp_min(1e-6).view(1, -1, 1, 1)
    ours = (pixels - torch.tensor(mean).view(1, -1, 1, 1)) / spread
    rescale.between(mean, std)
    expected_mean, expected_std = (wanted.mean, wanted.std) if channels == 3 else ((0.5,), (0.25,))
    theirs = (pixels - torch.tensor(expected_mean).view(1, -1, 1, 1)) / torch.tensor(expected_std).view(1, -1, 1, 1)
    assert torch.allclose(rescale(ours), theirs, atol=1e-2 if channels == 3 else 1e-5)


@pytest.fixture
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of torch's that holds weights under the published name of resnet18's."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(1)
    torch.save(get_model("resnet18").state_dict(), folder / "resnet18-f37072fd.pth")
    return folder


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("pretrained", [True, "IMAGENET1K_V1"])
def test_published_weights_in_the_cache_are_taken(pretrained: bool | str, channels: int, torch_home: Path) -> None:
    config = Torchvision(pretrained=pretrained)
    shape = {
        **SHAPE,
        "in_channels": channels,
        "num_classes": 1000,
    }  # as many classes as the weights, and yet a new head
    fetch_weights(config, **shape)
    model = build_model(config, **shape)
    start_from_weights(model, config, mean=(0.5,) * channels, std=(0.25,) * channels, **shape)
    assert isinstance(model, TunedModel)
    theirs = torch.load(torch_home / "resnet18-f37072fd.pth")
    assert torch.equal(model.net.get_parameter("layer4.1.conv2.weight"), theirs["layer4.1.conv2.weight"])
    assert not torch.equal(model.net.get_parameter("fc.weight"), theirs["fc.weight"])
    first = model.net.get_parameter("conv1.weight")
    assert torch.equal(first, theirs["conv1.weight"] if channels == 3 else theirs["conv1.weight"].sum(1, keepdim=True))
    assert isinstance(model.rescale, Rescale)
    assert model.rescale.scale.flatten()[0].item() == pytest.approx(
        0.25 / (0.229 if channels == 3 else 0.226), rel=1e-5
    )


def test_positions_of_a_transformer_fit_other_images() -> None:
    from hpo.training.models.torchvision import fitted
    from torchvision.models.vision_transformer import VisionTransformer

    def small(side: int) -> VisionTransformer:
        return VisionTransformer(image_size=side, patch_size=8, num_layers=1, num_heads=1, hidden_dim=8, mlp_dim=8)

    found = fitted(small(32).state_dict(), small(16))
    assert found["encoder.pos_embedding"].shape == (1, 5, 8)


def test_weights_that_cannot_be_fetched_say_where_they_go(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    missing = f"file://{tmp_path}/nowhere/resnet18-f37072fd.pth"
    with pytest.raises(WeightsError, match="the weights W must be on this disk or reachable") as caught:
        fetch(missing, "W")
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert str(tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth") in lines[1]


def test_a_download_is_checked_and_made_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from hashlib import sha256

    from torch import hub

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    digest = sha256(b"weights").hexdigest()[:8]
    (tmp_path / f"w-{digest}.pth").write_bytes(b"weights")
    (tmp_path / "w-00000000.pth").write_bytes(b"weights")
    calls: list[str] = []
    download = hub.download_url_to_file
    monkeypatch.setattr(hub, "download_url_to_file", lambda *a, **k: (calls.append(a[0]), download(*a, **k)))
    found: list[Path] = []
    threads = [Thread(target=lambda: found.append(fetch(f"file://{tmp_path}/w-{digest}.pth", "W"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert {path.read_bytes() for path in found} == {b"weights"}
    assert len(calls) == 1
    with pytest.raises(WeightsError, match="hash"):
        fetch(f"file://{tmp_path}/w-00000000.pth", "W")
    assert not (tmp_path / "home" / "hub" / "checkpoints" / "w-00000000.pth").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {"blocks.0.0.weight": torch.zeros(1)}}, r"blocks.0.0.weight is \[1\] there and \[8, 1, 3, 3\] here"),
        ({"other": torch.zeros(1)}, "lacks blocks.0.0.weight"),
        ([1, 2], "must hold weights by name, got list"),
        (b"no zip", "must be a file of weights alone"),
        (None, r"cannot read .*none.pt \(No such file or directory\); did you mean one.pt"),
    ],
)
def test_files_that_are_not_these_weights(content: Any, message: str, tmp_path: Path) -> None:
    torch.save({}, tmp_path / "one.pt")
    if isinstance(content, bytes):
        (tmp_path / "none.pt").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "none.pt")
    config = SimpleCnn(width=8, pretrained=str(tmp_path / "none.pt"))
    with pytest.raises(TrainingError, match=message) as caught:
        start_from_weights(build(config), config, mean=(0.0,), std=(1.0,), **SHAPE)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_frozen_random_backbone_is_refused() -> None:
    with pytest.raises(ValidationError, match="a frozen random backbone learns nothing"):
        Torchvision(backbone_lr=0.0)


def test_weights_of_a_run_of_ours_are_taken(small_config: Make, digits_pack: Path, tmp_path: Path) -> None:
    """best.ckpt of a run, twice in a row: a plain one, then one that was itself tuned."""
    data = {"source": "digits", "batch_size": 128, "max_train": 256, "max_val": 64}
    first = small_config(data=data, budget={"epochs": 1})
    list(train(first, pack=digits_pack, directory=tmp_path / "1"))
    for number in (1, 2):
        model = {"name": "simple_cnn", "width": 8, "pretrained": str(tmp_path / str(number) / "best.ckpt")}
        config = small_config(model=model, data=data, budget={"epochs": 1})
        theirs = load(tmp_path / str(number) / "best.ckpt")["model"]
        prefix = "net." if number == 2 else ""
        net = net_of(create(config, digits_pack))
        assert torch.equal(net.get_parameter("hidden.weight"), theirs[f"{prefix}hidden.weight"])
        list(train(config, pack=digits_pack, directory=tmp_path / str(number + 1)))
    assert (tmp_path / "3" / "best.ckpt").exists()
