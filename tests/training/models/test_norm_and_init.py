"""Every norm and every scheme of initialisation, in every model of the zoo."""

from typing import get_args

import pytest
import torch
from hpo.errors import TrainingError
from hpo.training.models.build import build_model
from hpo.training.models.config import InitName, NormName, ResNet, SimpleCnn
from hpo.training.models.initialize import SCHEMES, initialize_
from hpo.training.models.norm import NORMS, make_norm
from torch import nn

ZOO = [SimpleCnn(width=16), ResNet(depth=14, width=16)]


def build(config: SimpleCnn | ResNet, size: int = 32) -> nn.Module:
    torch.manual_seed(0)
    return build_model(config, num_classes=7, in_channels=3, image_size=size)


def test_every_name_of_the_configuration_has_its_maker_and_no_other() -> None:
    assert set(NORMS) == set(get_args(NormName))
    assert set(SCHEMES) == set(get_args(InitName))


@pytest.mark.parametrize("norm", get_args(NormName))
@pytest.mark.parametrize("base", ZOO, ids=lambda config: config.name)
def test_models_learn_with_every_norm(norm: NormName, base: SimpleCnn | ResNet) -> None:
    model = build(base.model_copy(update={"norm": norm, "dropout": 0.0}))
    kinds = {type(m) for m in model.modules() if isinstance(m, nn.BatchNorm2d | nn.GroupNorm | nn.InstanceNorm2d)}
    assert kinds == ({type(make_norm(norm, 16))} - {nn.Identity})
    images, labels = torch.randn(14, 3, 32, 32), torch.arange(14) % 7
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(10):
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses) < 0.95 * losses[0]


@pytest.mark.parametrize("norm", get_args(NormName))
def test_what_a_norm_takes_out(norm: NormName) -> None:
    maps = 3 + 5 * torch.randn(4, 32, 6, 6)
    out = make_norm(norm, 32)(maps)
    over = {"batch": (0, 2, 3), "group": None, "layer": (1, 2, 3), "instance": (2, 3), "none": None}[norm]
    if norm == "none":
        assert torch.equal(out, maps)
        return
    if norm == "group":
        out, over = out.view(4, 2, 16, 6, 6), (2, 3, 4)
    assert out.mean(over).abs().max() < 1e-5
    assert (out.var(over, unbiased=False) - 1).abs().max() < 1e-3


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (16, 1), (32, 2), (50, 2), (70, 2), (256, 16), (17, 1)])
def test_groups_have_at_least_sixteen_channels_where_there_are_as_many(channels: int, groups: int) -> None:
    norm = make_norm("group", channels)
    assert isinstance(norm, nn.GroupNorm)
    assert norm.num_groups == groups


@pytest.mark.parametrize(("config", "size"), [(SimpleCnn(norm="instance"), 8), (ResNet(norm="instance"), 8)])
def test_instance_norm_of_one_pixel_is_refused(config: SimpleCnn | ResNet, size: int) -> None:
    with pytest.raises(TrainingError, match="needs more than one pixel per map, but images of 8 px") as caught:
        build(config, size)
    assert len(str(caught.value).splitlines()) <= 3
    build(config, 9)


@pytest.mark.parametrize("base", ZOO, ids=lambda config: config.name)
def test_without_norms_convolutions_have_a_bias(base: SimpleCnn | ResNet) -> None:
    for norm in ("none", "batch"):
        model = build(base.model_copy(update={"norm": norm}))
        convs = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
        assert all((conv.bias is not None) is (norm == "none") for conv in convs)


@pytest.mark.parametrize("norm", get_args(NormName))
def test_residual_blocks_start_as_the_identity(norm: NormName) -> None:
    block = build(ResNet(depth=10, width=16, norm=norm)).get_submodule("stages.0")
    images = torch.rand(2, 16, 8, 8)
    assert torch.equal(block(images), images)


# Deviations for a kernel of 128 x 64 x 3 x 3: fan in 576, fan out 1152.
DEVIATIONS = {
    "kaiming_normal": (2 / 1152) ** 0.5,
    "kaiming_uniform": (2 / 1152) ** 0.5,
    "xavier_normal": (2 / (576 + 1152)) ** 0.5,
    "xavier_uniform": (2 / (576 + 1152)) ** 0.5,
    "orthogonal": (2 / 576) ** 0.5,
    "trunc_normal": 0.02 * 0.8796,  # a normal cut at two deviations
    "default": (1 / (3 * 576)) ** 0.5,
}


@pytest.mark.parametrize("name", get_args(InitName))
def test_kernels_have_the_variance_of_their_source(name: InitName) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(64, 128, 3))
    initialize_(model, name)
    conv = model[0]
    assert isinstance(conv, nn.Conv2d)
    assert conv.weight.std().item() == pytest.approx(DEVIATIONS[name], rel=0.02)
    assert conv.bias is not None
    assert not conv.bias.any()
    bounded = {"kaiming_uniform", "xavier_uniform", "default", "trunc_normal"}
    assert (conv.weight.abs().max() < 2.3 * DEVIATIONS[name]).item() is (name in bounded)
    if name == "orthogonal":
        rows = conv.weight.detach().flatten(1)
        assert torch.allclose(rows @ rows.T, 2 * torch.eye(128), atol=1e-4)


def test_every_scheme_draws_its_own_weights() -> None:
    drawn = [build(SimpleCnn(width=8, init=name)).get_parameter("blocks.1.0.weight") for name in get_args(InitName)]
    assert all(not torch.equal(a, b) for i, a in enumerate(drawn) for b in drawn[:i])
