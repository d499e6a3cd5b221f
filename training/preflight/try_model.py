"""A trial of a configuration's model before a study."""

from collections.abc import Sequence

import torch
from torch import nn

from ...errors import ExportError, TrainingError
from ..config import TrialConfig
from ..data.pack import Pack
from ..export.rehearse import ExportRehearsal
from ..loop.learner import Learner
from ..machine.memory import is_out_of_memory
from ..models.checkpointing import checkpoint_activations
from ..models.config import CustomModel, PublishedModel
from ..models.custom import describe_error
from ..models.meta import build_on_meta, logits_on_meta, side_that_works
from ..models.pretrained import fetch_weights
from ..models.published import ImageSizeError
from ..models.source import split_name
from ..optim.config import Muon
from ..optim.muon import hidden_matrices

_IMAGES = 2  # two, so that batch norm has statistics to take


def check_models(configs: Sequence[TrialConfig], pack: Pack, *, skip_export: bool) -> None:
    """Check the model of each of `configs`, and its export unless `skip_export`.

    Raises:
        TrainingError: as `check_model`; or one cannot be exported.
    """
    rehearsal = None if skip_export else ExportRehearsal(pack)
    for config in configs:
        try:
            check_model(config, pack, rehearsal)
        except ExportError as error:
            way_out = "so it cannot be exported; --skip-export-check trains it all the same"
            raise TrainingError(f"{error}\n  {way_out}") from error


def check_model(config: TrialConfig, pack: Pack, rehearsal: ExportRehearsal | None = None, device: str = "cpu") -> None:
    """Try the model of `config`, and its export where `rehearsal` is given.

    On images like those of `pack`. A user's model and hpo's own are trained for one step on two blank images, evaluated
    on two and on one, and exported as a winner is. A published one, which may be larger than this machine's memory, is
    run and captured without numbers, and its weights are brought onto this disk.

    Raises:
        TrainingError: the model cannot be built, fails on these images, its weights are not to be had, or its output
            is not [B, classes].
        ExportError: it cannot be exported.
    """
    if isinstance(config.model, PublishedModel):
        net = _check_published(config, config.model, pack)
        if rehearsal:
            rehearsal.capture(net, config.model)
    else:
        learner = _check_by_a_step(config, pack, device)
        if rehearsal:
            rehearsal.export(learner.judged, config)


def _check_published(config: TrialConfig, model: PublishedModel, pack: Pack) -> nn.Module:
    shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
    try:
        # On the meta device: shapes without numbers, so that a model of any size is tried in no memory.
        net = build_on_meta(model, **shape)
        logits = logits_on_meta(net, _IMAGES, pack.channels, pack.image_size)
    except Exception as error:  # libraries refuse images with whatever error they happen to meet
        if isinstance(error, TrainingError) and not isinstance(error, ImageSizeError):
            raise
        raise TrainingError(_too_small(model, shape, error)) from error
    _check_logits(model.name, logits, (_IMAGES, shape["num_classes"]))
    if isinstance(config.optimizer, Muon):
        hidden_matrices(net)  # raises where Muon has no matrix to move
    if config.memory.checkpoint_activations:
        checkpoint_activations(net)
    fetch_weights(model, **shape)
    return net


def _too_small(model: PublishedModel, shape: dict[str, int], error: Exception) -> str:
    side = side_that_works(model, **shape)
    hint = f"set data.image_size to {side}, which works" if side else "no usual image size works"
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:160]
    return (
        f"model.arch: {model.arch} takes no images of {shape['image_size']} px; {hint}\n  {model.name} says: {reason}"
    )


def _check_by_a_step(config: TrialConfig, pack: Pack, device: str) -> Learner:
    learner = Learner.create(config, pack, torch.device(device))
    shape = (_IMAGES, pack.channels, pack.image_size, pack.image_size)
    images = torch.zeros(shape, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.zeros(_IMAGES, dtype=torch.int64, device=device)
    try:
        with torch.no_grad(), learner.precision.autocast():
            logits = learner.model(images)
        _check_logits(config.model.name, logits, (_IMAGES, len(pack.class_names)))
        # learning rate 0: the weights stay as they are, for the export's rehearsal
        learner.step(images, labels, lr=0.0)
        learner.judged.eval()
        with torch.no_grad(), learner.precision.autocast():
            lone_logits = learner.judged(images[:1])  # the last batch of a split may hold one
        _check_logits(config.model.name, lone_logits, (1, len(pack.class_names)))
    except TrainingError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise  # says nothing about the model
        raise TrainingError(f"model {config.model.name} on images {list(shape)}: {_describe(config, error)}") from error
    return learner


def _check_logits(name: str, logits: object, wanted: tuple[int, int]) -> None:
    shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if shape != list(wanted):
        raise TrainingError(f"model {name}: must give logits [batch, classes], here {list(wanted)}, got {shape}")


def _describe(config: TrialConfig, error: Exception) -> str:
    if isinstance(config.model, CustomModel):
        return describe_error(error, split_name(config.model.name)[0])
    return str(error).strip().splitlines()[0]
