"""The size of a trial's checkpoints, from the shapes of its model."""

from collections.abc import Sequence

from ..config import TrialConfig
from ..data.pack import Pack
from ..models.config import ModelConfig
from ..models.meta import build_on_meta
from ..optim.config import OptimizerConfig, RmsProp, Sgd

BESIDE_BYTES = 32 * 1024
"""What lies beside the numbers of a file: names of tensors, the curve, the state of random generators."""


def checkpoint_bytes(configs: Sequence[TrialConfig], pack: Pack) -> int | None:
    """Estimate the checkpoints of a trial, the largest of `configs`.

    They are the training's state after the last epoch and within the next one, and the weights that count.

    None where no model can be built without its numbers, as a user's own may not be.
    """
    models = {config.model.model_dump_json(): config.model for config in configs}
    sizes = {text: _sizes(model, pack) for text, model in models.items()}
    pairs = ((config, sizes[config.model.model_dump_json()]) for config in configs)
    return max((_bytes(config, *size) for config, size in pairs if size), default=None)


def _bytes(config: TrialConfig, weights: int, trained: int) -> int:
    """The bytes of last.ckpt, partial.ckpt and best.ckpt, by those of all weights and of those that are trained."""
    copies = 1 if config.ema.decay is None else 2
    state = copies * weights + moments(config.optimizer) * trained + BESIDE_BYTES
    # a trial is paused within its next epoch: the decision takes a while, and what is trained by then is kept
    return 2 * state + weights + BESIDE_BYTES


def _sizes(model: ModelConfig, pack: Pack) -> tuple[int, int] | None:
    shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
    try:
        net = build_on_meta(model, **shape)
        tensors = [*net.parameters(), *net.buffers()]
        trained = [parameter for parameter in net.parameters() if parameter.requires_grad]
        return sum(tensor.nbytes for tensor in tensors), sum(parameter.nbytes for parameter in trained)
    except Exception:  # a user's model may do anything; whether it works is another check's business
        return None


def moments(optimizer: OptimizerConfig) -> int:
    """How many numbers an optimiser keeps for each weight, at most."""
    match optimizer:
        case Sgd():
            return int(optimizer.momentum > 0)
        case RmsProp():
            return 1 + int(optimizer.momentum > 0) + int(optimizer.centered)
    return 2  # Adam's two means; Muon has them for what is no hidden matrix
