"""The classifiers of torchvision, random or with published weights."""

from collections import OrderedDict
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torchvision import models
from torchvision.models.vision_transformer import interpolate_embeddings

from ...errors import TrainingError
from .download import fetch
from .head import set_dropout, take_channels
from .published import ImageSizeError, Statistics, unknown_arch
from .registry import register_model

# built with auxiliary heads and a transform of their own, which are switched off
_INCEPTIONS = ("googlenet", "inception_v3")
_AUXILIARY = ("aux", "AuxLogits")
# pixels in [-1, 1], as in TensorFlow, from where their weights come
_INCEPTION_STATISTICS = Statistics((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@register_model("torchvision")
def torchvision(
    num_classes: int, in_channels: int, image_size: int, arch: str = "resnet18", dropout: float | None = None
) -> nn.Module:
    """Build the classifier `arch` for these images.

    What it does to them is up to it, only its two ends are fitted.

    Args:
        num_classes: width of the last layer.
        in_channels: 1 or 3; for 1 the first convolution is summed over its channels.
        image_size: side in pixels; transformers are built for it.
        arch: a name of `torchvision.models`.
        dropout: probability of zeroing a feature before the last layer, in [0, 1); None: the architecture's own.

    Raises:
        TrainingError: there is no such classifier, or it does not take images of this size.
    """
    _check(arch)
    try:
        net: nn.Module = models.get_model(arch, weights=None, num_classes=num_classes, **_options(arch, image_size))
    except (AssertionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ImageSizeError(f"model.arch: {arch} of torchvision on images of {image_size} px: {reason}") from error
    take_channels(net, in_channels)
    if dropout is not None:
        set_dropout(net, dropout)
    return net


def archs() -> tuple[str, ...]:
    """Return the names of torchvision's classifiers."""
    return tuple(models.list_models(module=models))


def weight_names(arch: str) -> tuple[str, ...]:
    """Return the names of the published weights of `arch`, the default last."""
    entries: Any = models.get_model_weights(arch)
    names = [entry.name for entry in entries if entry is not entries.DEFAULT]
    return (*names, entries.DEFAULT.name)


def statistics(arch: str, pretrained: bool | str) -> Statistics:
    """Return the image statistics of the published weights `pretrained`.

    How images were normalised for them; for a file, for the default ones.
    """
    if arch in _INCEPTIONS:  # torchvision renormalises inside these, which is left out here
        return _INCEPTION_STATISTICS
    preset = _entry(arch, pretrained if pretrained in weight_names(arch) else True).transforms()
    return Statistics(tuple(preset.mean), tuple(preset.std))


def fetched(arch: str, pretrained: bool | str) -> Path:
    """Return the file of the published weights, downloading it if needed.

    Raises:
        TrainingError: there are no such weights, or they cannot be fetched.
    """
    entry = _entry(arch, pretrained)
    return fetch(str(entry.url), f"{entry.name} of torchvision's {arch}")


def fitted(state: dict[str, Tensor], net: nn.Module) -> dict[str, Tensor]:
    """Return published weights as `net` has them.

    Without the auxiliary heads, and with a transformer's positions interpolated.
    """
    state = {name: value for name, value in state.items() if not name.startswith(_AUXILIARY)}
    if isinstance(net, models.VisionTransformer) and "encoder.pos_embedding" in state:
        return dict(interpolate_embeddings(net.image_size, net.patch_size, OrderedDict(state)))
    return state


def _check(arch: str) -> None:
    if arch not in archs():
        raise unknown_arch(arch, "torchvision", archs())


def _entry(arch: str, pretrained: bool | str) -> Any:
    _check(arch)
    entries: Any = models.get_model_weights(arch)
    if pretrained is True:
        return entries.DEFAULT
    if pretrained not in entries.__members__:
        names = ", ".join(weight_names(arch))
        raise TrainingError(
            f"model.pretrained: torchvision has no weights {pretrained} of {arch}; choose from {names}, true,"
            " or a file such as ./weights.pth"
        )
    return entries[str(pretrained)]


def _options(arch: str, image_size: int) -> dict[str, Any]:
    """Return the options that builders of single architectures need."""
    if arch in _INCEPTIONS:
        return {"aux_logits": False, "init_weights": True, "transform_input": False}
    if arch.startswith("vit_"):
        return {"image_size": image_size}
    if arch.startswith("maxvit_"):
        return {"input_size": (image_size, image_size)}
    return {}
