"""Models of libraries: their two ends fit the data, whatever they are; what cannot be is refused in words."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.data.pack import Pack
from hpo.training.models import torchvision
from hpo.training.models.build import build_model
from hpo.training.models.catalogue import facts_of, find_models
from hpo.training.models.config import Published, Timm, Torchvision
from hpo.training.models.head import first_convolution, for_channels, head_parameters, last_layer
from hpo.training.models.meta import build_on_meta, flops, logits_on_meta, side_that_works
from hpo.training.models.source import name_model
from hpo.training.preflight.try_model import check_model
from torch import nn
from torchvision.models import get_model, get_model_weights

Make = Callable[..., Any]

ON_CPU = [("resnet18", 28), ("squeezenet1_1", 32), ("mobilenet_v3_small", 32), ("shufflenet_v2_x0_5", 64)]
QUICK = [
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "googlenet",
    "inception_v3",
    "mnasnet0_5",
    "regnet_y_400mf",
    "vgg11",
]
QUICK += ["resnet50", "squeezenet1_0", "swin_t", "vit_b_16"]


def build(arch: str, *, channels: int = 3, size: int = 32, **more: Any) -> nn.Module:
    return build_model(Torchvision(arch=arch, **more), num_classes=7, in_channels=channels, image_size=size)


@pytest.mark.parametrize(("arch", "size"), ON_CPU)
@pytest.mark.parametrize("channels", [1, 3])
def test_trains_a_step(arch: str, size: int, channels: int) -> None:
    model = build(arch, channels=channels, size=size)
    logits = model(torch.randn(4, channels, size, size))
    assert logits.shape == (4, 7)
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def check_arch(arch: str) -> None:
    """Its size and cost are those that torchvision publishes; any number of classes and channels is taken."""
    shape = {"num_classes": 1000, "in_channels": 3, "image_size": 224}
    known: Any = get_model_weights(arch)
    entry = next((entry for entry in known if entry.transforms().crop_size == [224]), known.DEFAULT)
    published = entry.meta
    model = build_on_meta(Torchvision(arch=arch), **shape)
    if arch != "inception_v3":  # whose published number has the auxiliary head
        assert sum(p.numel() for p in model.parameters()) == published["num_params"]
    if entry.transforms().crop_size == [224]:
        assert flops(model, 3, 224) / 2e9 == pytest.approx(published["_ops"], rel=0.02, abs=0.002)
    grey = build_on_meta(Torchvision(arch=arch, dropout=0.3), num_classes=5, in_channels=1, image_size=224)
    assert logits_on_meta(grey, 2, 1, 224).shape == (2, 5)
    assert sum(isinstance(m, nn.Dropout) and m.p == 0.3 for m in grey.modules()) >= 1
    head = head_parameters(grey)
    assert {p.shape[0] for name, p in grey.named_parameters() if name in head} == {5}


@pytest.mark.parametrize("arch", QUICK)
def test_fits_any_data(arch: str) -> None:
    check_arch(arch)


@pytest.mark.slow
@pytest.mark.parametrize("arch", sorted(set(torchvision.archs()) - set(QUICK)))
def test_every_classifier_of_torchvision_fits_any_data(arch: str) -> None:
    check_arch(arch)


def test_the_same_seed_draws_the_same_weights() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        states.append(build("mobilenet_v3_small", channels=1).state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())


def test_random_weights_are_torchvisions_own() -> None:
    torch.manual_seed(5)
    theirs = get_model("resnet18", num_classes=7)
    torch.manual_seed(5)
    ours = build("resnet18")
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())


def test_a_grey_image_means_what_it_means_in_colour() -> None:
    model = build("resnet18").eval()
    conv = model.get_submodule(first_convolution(model))
    assert isinstance(conv, nn.Conv2d)
    grey = torch.randn(2, 1, 16, 16)
    in_colour = nn.functional.conv2d(grey.expand(-1, 3, -1, -1), conv.weight)
    assert torch.allclose(nn.functional.conv2d(grey, for_channels(conv.weight, 1)), in_colour, atol=1e-5)
    five = nn.functional.conv2d(grey.expand(-1, 5, -1, -1), for_channels(torch.ones_like(conv.weight), 5))
    assert torch.allclose(
        five, nn.functional.conv2d(grey.expand(-1, 3, -1, -1), torch.ones_like(conv.weight)), atol=1e-4
    )


@pytest.mark.parametrize(
    ("arch", "where"), [("resnet18", "fc.0"), ("squeezenet1_1", "classifier.0"), ("vgg11", "classifier.5")]
)
def test_dropout_stands_before_the_head(arch: str, where: str) -> None:
    model = build_on_meta(Torchvision(arch=arch, dropout=0.4), num_classes=7, in_channels=3, image_size=32)
    layer = model.get_submodule(where)
    assert isinstance(layer, nn.Dropout)
    assert layer.p == 0.4
    assert last_layer(model).rpartition(".")[0] == where.rpartition(".")[0]


@pytest.mark.parametrize(
    ("arch", "near"),
    [("resnet81", "did you mean resnet18"), ("convnext_tinny", "convnext_tiny"), ("zzz", "hpo models")],
)
@pytest.mark.parametrize("section", [Torchvision, Timm])
def test_an_unknown_arch_shows_the_nearest(section: type[Published], arch: str, near: str) -> None:
    if section is Timm:
        pytest.importorskip("timm")
    with pytest.raises(TrainingError, match=near) as caught:
        build_model(section(arch=arch), num_classes=2, in_channels=3, image_size=32)
    assert len(str(caught.value)) < 200


def test_the_side_that_works_is_the_next_larger() -> None:
    shape = {"num_classes": 10, "in_channels": 1}
    assert side_that_works(Torchvision(arch="alexnet"), image_size=28, **shape) == 64
    assert side_that_works(Torchvision(arch="vit_b_16"), image_size=28, **shape) == 32


@pytest.mark.parametrize(("arch", "side"), [("alexnet", 64), ("vit_b_32", 32)])
def test_small_images_are_refused_with_a_size_that_works(
    arch: str, side: int, small_config: Make, digits_pack: Path
) -> None:
    config = small_config(model={"name": "torchvision", "arch": arch})
    with pytest.raises(TrainingError, match=f"{arch} takes no images of 8 px; set data.image_size to {side}") as caught:
        check_model(config, Pack.open(digits_pack))
    assert len(str(caught.value).splitlines()) <= 3


def test_where_timm_is_missing_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(TrainingError, match=r"\n  pip install .*\[timm\]'?\n"):
        build_model(Timm(), num_classes=2, in_channels=3, image_size=32)
    assert not any(name.startswith("timm/") for name in find_models("resnet18"))


@pytest.mark.parametrize(
    ("arch", "channels"), list(product(["resnet18", "vit_tiny_patch16_224", "mobilenetv3_small_050"], [1, 3]))
)
def test_models_of_timm(arch: str, channels: int) -> None:
    pytest.importorskip("timm")
    config = Timm(arch=arch, dropout=0.2)
    model = build_model(config, num_classes=7, in_channels=channels, image_size=32)
    logits = model(torch.randn(4, channels, 32, 32))
    assert logits.shape == (4, 7)
    nn.functional.cross_entropy(logits, torch.arange(4)).backward()
    assert all(p.grad is not None for p in model.parameters())
    assert {p.shape[0] for name, p in model.named_parameters() if name in head_parameters(model)} == {7}


def test_what_the_catalogue_says() -> None:
    facts = list(facts_of(find_models("torchvision/*net18"), num_classes=1000, in_channels=3, image_size=224))
    assert [fact.name for fact in facts] == ["torchvision/resnet18"]
    assert facts[0].parameters == 11_689_512
    assert facts[0].flops == pytest.approx(2 * 1.814e9, rel=1e-3)
    assert facts[0].weights == ("IMAGENET1K_V1",)
    small = list(facts_of(find_models("torchvision/alexnet"), num_classes=10, in_channels=1, image_size=28))
    assert (small[0].parameters, small[0].note) == (None, "not for images of 28 px")
    own = list(facts_of(find_models(None), num_classes=10, in_channels=1, image_size=28))
    assert [fact.name for fact in own][:2] == ["simple_cnn", "resnet/10"]
    assert own[0].parameters == 356_458
    with pytest.raises(TrainingError, match="no name has 'qqq' in it"):
        find_models("qqq")


def test_the_catalogue_of_a_users_file(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\ndef net(num_classes, in_channels):\n"
        "    return nn.Sequential(nn.Conv2d(in_channels, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),"
        " nn.Linear(4, num_classes))\n"
    )
    models = find_models(f"{tmp_path}/net.py:net")
    name_model(models[f"{tmp_path}/net.py:net"])
    (fact,) = facts_of(models, num_classes=10, in_channels=1, image_size=8)
    assert fact.parameters == 8 + 50
    assert fact.flops == 2 * (4 * 64 + 40)
    with pytest.raises(TrainingError, match="did you mean net"):
        list(facts_of(find_models(f"{tmp_path}/net.py:nett"), num_classes=10, in_channels=1, image_size=8))


def test_largest_models_take_no_memory() -> None:
    model = build_on_meta(Torchvision(arch="regnet_y_128gf"), num_classes=1000, in_channels=3, image_size=224)
    assert sum(p.numel() for p in model.parameters()) == 644_812_894
    assert {p.device.type for p in model.parameters()} == {"meta"}
    assert math.isfinite(flops(model, 3, 224))
