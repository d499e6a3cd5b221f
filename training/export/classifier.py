"""The exported model: from bytes to logits, normalisation inside."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor, nn

from ..checkpoints.checkpoint import load
from ..config import TrialConfig
from ..data.pack import Pack
from ..data.preprocessing import Preprocessing
from ..machine.seeding import seeded
from ..models.build import build_model


class Classifier(nn.Module):
    """A trained model from decoded pixels to logits.

    In evaluation mode and float32.

    The input is uint8 on purpose: normalisation cannot be forgotten or done twice, and pixels scaled to [0, 1] are
    refused for their type, where a float input would take them for nearly black images.

    Args:
        model: from normalised images float32 [N, C, H, W] to logits [N, classes].
        mean: per channel, of pixels scaled to [0, 1].
        std: the same.
    """

    scale: Tensor
    offset: Tensor

    def __init__(self, model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.model = model
        spread = torch.tensor(std, dtype=torch.float64).clamp_min(1e-6)  # a channel may be constant
        scale, offset = 1 / (255 * spread), -torch.tensor(mean, dtype=torch.float64) / spread
        self.register_buffer("scale", scale.to(torch.float32).view(1, -1, 1, 1))
        self.register_buffer("offset", offset.to(torch.float32).view(1, -1, 1, 1))
        self.eval()

    @classmethod
    def from_checkpoint(cls, checkpoint: Path, config: TrialConfig, pack: Pack) -> Self:
        """Restore a model trained on `pack`, as `restore` does."""
        return cls.restore(checkpoint, config, Preprocessing.of(pack), len(pack.class_names))

    @classmethod
    def restore(cls, checkpoint: Path, config: TrialConfig, preprocessing: Preprocessing, classes: int) -> Self:
        """Restore the model of `config` with the judged weights in `checkpoint`.

        A best.ckpt or last.ckpt; on the CPU.

        Raises:
            CheckpointError: the checkpoint is missing or corrupt.
            TrainingError: the model cannot be built.
        """
        state = load(checkpoint)
        with seeded(
            config.seed, 0, torch.device("cpu")
        ):  # a buffer that is drawn but not saved is drawn as in training
            model = build_model(
                config.model,
                num_classes=classes,
                in_channels=preprocessing.channels,
                image_size=preprocessing.image_size,
            )
        average = state.get("average")  # in a last.ckpt; a best.ckpt holds what was judged and nothing else
        model.load_state_dict((average or state)["model"])
        return cls(model, preprocessing.mean, preprocessing.std)

    def forward(self, images: Tensor) -> Tensor:
        """Map images uint8 [N, C, H, W] to logits float32 [N, classes]."""
        logits: Tensor = self.model(images.to(torch.float32) * self.scale + self.offset)
        return logits

    def weights_digest(self) -> str:
        """Return the SHA-256 of every weight and buffer, by name.

        It is equal for equal models.
        """
        content = hashlib.sha256()
        # sorted: the order in which modules were made must not matter
        for name, tensor in sorted(self.state_dict().items()):
            content.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            content.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return content.hexdigest()
