"""What is trained: a model with its optimiser, moved on by one batch at a time."""

from typing import Any, Self

import torch
from torch import Tensor, nn

from .config import TrialConfig
from .data.pack import Pack
from .loss import build_loss
from .models.registry import build_model
from .optimizers import build_optimizer, clip_gradients, set_lr
from .precision import Precision, backward
from .seeding import seeded


class Learner:
    """A model, its optimiser and gradient scaler on one device, and everything a step needs."""

    def __init__(self, config: TrialConfig, model: nn.Module, device: torch.device) -> None:
        self.precision = Precision.choose(config.precision, device)
        # channels_last: 1.4 to 1.8 times faster than contiguous on CPUs (docs/models.md), and what tensor cores want.
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self._optimizer = build_optimizer(config.optimizer, self.model)
        self._scaler = self.precision.scaler()
        self._loss = build_loss(config.loss)
        self._max_grad_norm = config.optimizer.max_grad_norm
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]

    @classmethod
    def create(cls, config: TrialConfig, pack: Pack, device: torch.device) -> Self:
        """A fresh learner for the images of `pack`; its weights are drawn from config.seed, the same on any device."""
        with seeded(config.seed, 0, device):
            model = build_model(
                config.model,
                num_classes=len(pack.class_names),
                in_channels=pack.channels,
                image_size=pack.image_size,
            )
        return cls(config, model, device)

    def step(self, images: Tensor, labels: Tensor, lr: float) -> tuple[Tensor, Tensor, Tensor]:
        """One optimiser step at learning rate `lr` on images [B, C, H, W] and labels [B].

        Returns:
            The mean loss, the logits [B, classes] and the gradient norm before clipping, all on the device: nothing
            here waits for it.
        """
        set_lr(self._optimizer, lr)
        with self.precision.autocast():
            logits = self.model(images)
            loss = self._loss(logits, labels)
        backward(loss, self._optimizer, self._scaler)
        norm = clip_gradients(self._parameters, self._max_grad_norm)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        return loss.detach(), logits.detach(), norm

    def state(self) -> dict[str, Any]:
        """Everything the next step depends on; tensors are the live ones."""
        return {
            "model": self.model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what `state()` gave.

        Raises:
            RuntimeError, ValueError: it belongs to another model or optimiser.
        """
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if state["scaler"]:  # empty where the run began on a device that needs none
            self._scaler.load_state_dict(state["scaler"])
