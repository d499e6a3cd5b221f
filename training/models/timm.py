"""The models of timm, where it is installed.

https://github.com/huggingface/pytorch-image-models
"""

from contextlib import suppress
from importlib import import_module
from typing import Any

from torch import Tensor, nn

from ...common.installation import install_command
from ...errors import TrainingError
from .download import WeightsError, impatient
from .published import ImageSizeError, Statistics, unknown_arch
from .registry import register_model

_HUB_FILES = ("model.safetensors", "pytorch_model.bin")  # as timm looks for them


@register_model("timm")
def timm(
    num_classes: int, in_channels: int, image_size: int, arch: str = "resnet18", dropout: float | None = None
) -> nn.Module:
    """Build the model `arch` for these images, as timm does.

    Args:
        num_classes: width of the last layer.
        in_channels: channels of the images.
        image_size: side in pixels; models of one size are built for it.
        arch: a name of timm, with or without the tag of its weights.
        dropout: probability of zeroing a feature before the last layer, in [0, 1); None: the architecture's own.

    Raises:
        TrainingError: timm is not installed, has no such model, or none for images of this size.
    """
    return _create(arch, num_classes, in_channels, image_size, dropout)


def archs() -> tuple[str, ...]:
    """Return the names of timm's models; () where it is not installed."""
    try:
        return tuple(_library().list_models())
    except TrainingError:
        return ()


def weight_names(arch: str) -> tuple[str, ...]:
    """Return the tags of the published weights of `arch`, the default last."""
    names = [name for name in _library().list_pretrained(f"{arch}*") if name.split(".")[0] == arch]
    tags = [name.partition(".")[2] for name in names]
    default = _settings(arch).tag or ""
    return (*(tag for tag in tags if tag != default), *(tag for tag in tags if tag == default))


def statistics(arch: str, pretrained: bool | str) -> Statistics:
    """Return the image statistics of the published weights `pretrained`.

    How images were normalised for them; for a file, for the default ones.
    """
    settings = _settings(_tagged(arch, pretrained))
    return Statistics(tuple(settings.mean), tuple(settings.std))


def weights(
    arch: str, pretrained: bool | str, num_classes: int, in_channels: int, image_size: int
) -> dict[str, Tensor]:
    """Return the published weights fitted to these images.

    By the names of the model's parameters; the head is a drawn one.

    Raises:
        TrainingError: there are no such weights, or they cannot be fetched.
    """
    name = _tagged(arch, pretrained)
    if not _library().models.is_model_pretrained(name):
        raise TrainingError(f"model.pretrained: timm has no weights of {name}; `hpo models timm/{arch}` names them")
    try:
        cached_file = _kept(name)
        overlay = {"pretrained_cfg_overlay": {"file": cached_file}} if cached_file else {}
        if not cached_file:
            _reach(_settings(name).hf_hub_id)
        with impatient():
            donor = _create(name, num_classes, in_channels, image_size, None, pretrained=True, **overlay)
    except TrainingError:
        raise
    except Exception as error:  # of the hub's many ways to fail none is documented
        source = _settings(name).hf_hub_id or _settings(name).url
        raise WeightsError(
            f"model.pretrained: the weights {name} of timm must be on this disk or reachable, got:"
            f" {str(error).strip().splitlines()[0][:200]}\n"
            f"  fetch {source} elsewhere, and set model.pretrained to the file,\n"
            "  or set it to false"
        ) from error
    return dict(donor.state_dict())


def _kept(name: str) -> str | None:
    """Return the weights' file in the hub's cache, None without one.

    Without it the hub is asked every time.
    """
    from huggingface_hub import try_to_load_from_cache

    repository = _settings(name).hf_hub_id
    for file in _HUB_FILES if repository else ():
        cached_file = try_to_load_from_cache(repository, file)
        if isinstance(cached_file, str):
            return cached_file
    return None


def _reach(repository: str | None) -> None:
    """Ask the hub once whether it answers.

    A download would ask twelve times, for a minute, before it gave up.

    Raises:
        Exception: no answer came within $HF_HUB_ETAG_TIMEOUT, 10 s where it is not set.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    if repository:
        with suppress(HfHubHTTPError):  # an answer; what it means is for the download to say
            get_hf_file_metadata(hf_hub_url(repository, _HUB_FILES[0]))


def _create(
    arch: str, num_classes: int, in_channels: int, image_size: int, dropout: float | None, **options: Any
) -> nn.Module:
    library = _library()
    if not library.is_model(arch):
        raise unknown_arch(arch, "timm", library.list_models())
    sized = {"img_size": image_size} if _settings(arch).fixed_input_size else {}
    dropped = {} if dropout is None else {"drop_rate": dropout}
    wanted = {"num_classes": num_classes, "in_chans": in_channels, **sized, **dropped}
    if options.get("pretrained"):
        made: nn.Module = library.create_model(arch, **wanted, **options)
        return made
    try:
        made = library.create_model(arch, **wanted)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ImageSizeError(f"model.arch: {arch} of timm on images of {image_size} px: {reason}") from error
    return made


def _tagged(arch: str, pretrained: bool | str) -> str:
    # A path has a slash: for a file the default weights' settings hold.
    return arch if isinstance(pretrained, bool) or "/" in pretrained else f"{arch.split('.')[0]}.{pretrained}"


def _settings(name: str) -> Any:
    """Return timm's settings of the published weights `name`.

    Their size, statistics and source.

    Raises:
        TrainingError: there are none.
    """
    settings = _library().models.get_pretrained_cfg(name, allow_unregistered=True)
    if settings is None:
        tags = ", ".join(weight_names(name.split(".")[0]))
        raise TrainingError(f"model.pretrained: timm has no weights {name}; choose from {tags}")
    return settings


def _library() -> Any:
    try:
        return import_module("timm")
    except ImportError as error:
        raise TrainingError(
            f"model timm: the package timm must be installed, got: {error}\n"
            f"  {install_command('timm')}\n"
            "  or choose a model of torchvision: `hpo models torchvision`"
        ) from error
