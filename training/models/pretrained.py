"""Trained weights for a model's backbone: located, fitted, loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...common.bounded import WEIGHTS_BYTES, check_regular
from ...errors import TrainingError, nearest
from .config import FineTuned, ModelConfig, Timm, Torchvision
from .finetune import Rescale, TunedModel
from .head import first_convolution, for_channels, head_parameters
from .published import Statistics

State = dict[str, Tensor]

_RGB = 3
_HOLDERS = ("model", "state_dict", "model_state_dict", "weights")  # where training scripts put weights in their files
_PREFIXES = ("module.", "_orig_mod.", "net.")  # of data parallel, of torch.compile, of a model that was tuned here

_SUFFIXES = (".bin", ".ckpt", ".pt", ".pth", ".safetensors")


def statistics_of(config: FineTuned) -> Statistics | None:
    """Return the image statistics of the weights of `config`.

    How images were normalised for them; None: by their own data set, as everywhere in hpo.
    """
    if config.pretrained and isinstance(config, Torchvision):
        from . import torchvision

        return torchvision.statistics(config.arch, config.pretrained)
    if config.pretrained and isinstance(config, Timm):
        from . import timm

        return timm.statistics(config.arch, config.pretrained)
    return None


def start_from_weights(
    model: nn.Module, config: ModelConfig, *, mean: Sequence[float], std: Sequence[float], **shape: int
) -> None:
    """Load the weights of `config` into the backbone of a fresh `model`.

    In place; its head stays as drawn.

    Args:
        model: what `build_model(config, **shape)` returned.
        config: where the weights are.
        mean: of the images as they will come, per channel of pixels in [0, 1].
        std: the same.
        shape: num_classes, in_channels and image_size.

    Raises:
        TrainingError: the weights are missing, cannot be fetched, or are of another model.
    """
    if not isinstance(model, TunedModel) or not isinstance(config, FineTuned) or not config.pretrained:
        return
    state = _state(config, model.net, shape)
    _put(state, model.net, f"{config.pretrained}")
    if isinstance(model.rescale, Rescale):
        model.rescale.between(mean, std)


def fetch_weights(config: ModelConfig, **shape: int) -> None:
    """Download or check the weights that `config` starts from.

    Raises:
        TrainingError: it is missing or cannot be fetched.
    """
    if not isinstance(config, FineTuned) or not config.pretrained:
        return
    if _is_file(config.pretrained):
        _read(Path(str(config.pretrained)))
    elif isinstance(config, Torchvision):
        from . import torchvision

        torchvision.fetched(config.arch, config.pretrained)
    elif isinstance(config, Timm):
        from . import timm

        timm.weights(config.arch, config.pretrained, **shape)


def _state(config: FineTuned, net: nn.Module, shape: dict[str, int]) -> State:
    """Return the weights of `config` by the names of `net`'s parameters."""
    pretrained = config.pretrained
    assert pretrained
    if isinstance(config, Timm) and not _is_file(pretrained):
        from . import timm

        return timm.weights(config.arch, pretrained, **shape)
    if isinstance(config, Torchvision):
        from . import torchvision

        path = Path(str(pretrained)) if _is_file(pretrained) else torchvision.fetched(config.arch, pretrained)
        return _with_channels(torchvision.fitted(_read(path), net), net, shape["in_channels"])
    return _with_channels(_read(Path(str(pretrained))), net, shape["in_channels"])


def _with_channels(state: State, net: nn.Module, in_channels: int) -> State:
    """Return `state` with its first convolution for `in_channels` channels.

    Where it is for RGB.
    """
    stem = f"{first_convolution(net)}.weight"
    if stem not in state or state[stem].ndim != 4 or state[stem].shape[1] != _RGB:
        return state
    return {**state, stem: for_channels(state[stem], in_channels)}


def _is_file(pretrained: bool | str) -> bool:
    return isinstance(pretrained, str) and ("/" in pretrained or Path(pretrained).is_file())


def _read(path: Path) -> State:
    """Return the weights in a file of torch or safetensors.

    Whatever its writer wrapped them in.

    Raises:
        TrainingError: it is missing, holds no weights, or more than weights.
    """
    try:
        content = _open(path)
    except OSError as error:
        candidates = [other.name for other in path.parent.glob("*") if other.suffix in _SUFFIXES]
        hint = f"; {nearest(path.name, candidates)}" if candidates else ""
        raise TrainingError(f"model.pretrained: cannot read {path} ({error.strerror}){hint}") from error
    except Exception as error:  # torch raises what its unpickler and zip reader happen to meet
        reason = str(error).strip().splitlines()[0][:160]
        raise TrainingError(f"model.pretrained: {path} must be a file of weights alone, got: {reason}") from error
    for holder in _HOLDERS:
        if isinstance(content, dict) and isinstance(content.get(holder), dict):
            content = content[holder]
    if not isinstance(content, dict) or not any(isinstance(value, Tensor) for value in content.values()):
        raise TrainingError(f"model.pretrained: {path} must hold weights by name, got {type(content).__name__}")
    return {_bare(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _open(path: Path) -> Any:
    check_regular(path, WEIGHTS_BYTES)
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _put(state: State, net: nn.Module, source: str) -> None:
    """Copy `state` into `net`, all but its head.

    Raises:
        TrainingError: a weight is missing or has another shape.
    """
    head, own_state = head_parameters(net), net.state_dict()
    for name, own_value in own_state.items():
        # the count of batches is of no use to a model that is trained on, and some files lack it
        if name in head or name.endswith("num_batches_tracked"):
            continue
        if name not in state:
            raise TrainingError(f"model.pretrained: {source} must hold the weights of this model, but lacks {name}")
        if state[name].shape != own_value.shape:
            raise TrainingError(
                f"model.pretrained: {source} must hold the weights of this model, but {name} is"
                f" {list(state[name].shape)} there and {list(own_value.shape)} here"
            )
    net.load_state_dict(
        {name: value for name, value in state.items() if name in own_state and name not in head}, strict=False
    )
