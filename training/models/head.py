"""The first convolution and the last layer of a classifier.

They are the two ends that depend on the data.
"""

from typing import Any

from torch import Tensor, nn

from ...errors import TrainingError

_LAST = (nn.Linear, nn.Conv2d)


def head_parameters(net: nn.Module) -> frozenset[str]:
    """Return the names of the parameters of the layer of the logits.

    Of the layers, where there are two: what the model says itself (`get_classifier()`, as timm's do), else its last
    linear layer or convolution.
    """
    get_classifier: Any = getattr(net, "get_classifier", None)
    layers: Any = get_classifier() if callable(get_classifier) else net.get_submodule(last_layer(net))
    head_ids = {id(p) for layer in (layers if isinstance(layers, tuple) else (layers,)) for p in layer.parameters()}
    return frozenset(name for name, parameter in net.named_parameters() if id(parameter) in head_ids)


def last_layer(net: nn.Module) -> str:
    """Return the name of the last linear layer or convolution.

    Raises:
        TrainingError: there is none.
    """
    names: list[str] = [name for name, module in net.named_modules() if isinstance(module, _LAST)]
    if not names:
        raise TrainingError(f"model {type(net).__name__}: has no linear layer or convolution that could be its head")
    return names[-1]


def first_convolution(net: nn.Module) -> str:
    """Return the name of the convolution that sees the images."""
    names: list[str] = [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    return names[0]


def take_channels(net: nn.Module, in_channels: int) -> None:
    """Let a network for RGB images take images of `in_channels`, in place."""
    conv = net.get_submodule(first_convolution(net))
    assert isinstance(conv, nn.Conv2d)
    conv.weight = nn.Parameter(for_channels(conv.weight.detach(), in_channels))
    conv.in_channels = in_channels


def for_channels(kernel: Tensor, in_channels: int) -> Tensor:
    """Return the first kernel [out, 3, h, w] for images of `in_channels`.

    One grey channel stands for three equal ones: the kernel is summed over its channels. More are given the three in
    turn, scaled so that the sum stays.
    """
    if in_channels == kernel.shape[1]:
        return kernel
    if in_channels == 1:
        return kernel.sum(1, keepdim=True)
    turns = [channel % kernel.shape[1] for channel in range(in_channels)]  # 0, 1, 2, 0, 1, and so on
    return kernel[:, turns] * (kernel.shape[1] / in_channels)


def set_dropout(net: nn.Module, probability: float) -> None:
    """Zero the head's features with `probability` in [0, 1), in place.

    In the dropout before the head, or in a new one.
    """
    name = last_layer(net)
    path, _, leaf = name.rpartition(".")
    parent = net.get_submodule(path)
    before = [layer for layer in list(parent.children())[:-1] if isinstance(layer, nn.Dropout)]
    if isinstance(parent, nn.Sequential) and before:
        before[-1].p = probability
    else:
        setattr(parent, leaf, nn.Sequential(nn.Dropout(probability), net.get_submodule(name)))
