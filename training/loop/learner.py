"""A model and its optimiser, trained one batch at a time."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..checkpoints.snapshot import Snapshot
from ..config import TrialConfig
from ..data.pack import Pack
from ..losses.loss import build_loss
from ..machine.compilation import Compilation, NotCompiled
from ..machine.device_group import ALONE, DeviceGroup
from ..machine.memory import count_passes
from ..machine.precision import Precision
from ..machine.seeding import seeded
from ..models.build import build_model
from ..models.checkpointing import checkpoint_activations
from ..models.config import CustomModel
from ..models.finetune import lr_scales
from ..models.lone_image import LoneImageNorms
from ..models.pretrained import start_from_weights
from ..optim.average import WeightAverage
from ..optim.gradients import clip_gradients
from ..optim.groups import set_lr
from ..optim.optimizers import build_optimizer


class Learner:
    """A model, its optimiser and gradient scaler on one device.

    `model` is the one that learns; `judged` is the one that is evaluated and kept: its weights averaged over steps
    where `ema.decay` is set, else the same module. `micro_batch` is the number of images in a forward pass (None: the
    whole batch), `compilation` runs that pass compiled or as written, `group` are the devices that share a batch.
    """

    def __init__(
        self, config: TrialConfig, model: nn.Module, device: torch.device, class_counts: tuple[int, ...] = ()
    ) -> None:
        self.precision = Precision.choose(config.precision, device)
        # channels_last: 1.4 to 1.8 times faster than contiguous on CPUs (docs/models.md), and what tensor cores want.
        self.model = model.to(device).to(memory_format=torch.channels_last)
        self.micro_batch = config.memory.micro_batch
        # Compiled by the training once the batch size is settled (see Training._set_forward_pass); a preflight never
        # compiles.
        self.compilation: Compilation | NotCompiled = NotCompiled(self.model)
        self._lone_image = LoneImageNorms(self.model)
        self._average = None if config.ema.decay is None else WeightAverage(self.model, config.ema.decay)
        self._optimizer = build_optimizer(config.optimizer, self.model, lr_scales(self.model))
        self._scaler = self.precision.scaler()
        self._loss = build_loss(config.loss, class_counts, device)
        self._clip = (config.optimizer.max_grad_norm, config.optimizer.max_grad_value)
        self.group = ALONE
        self._module: nn.Module = self.model  # what a pass goes through where nothing is compiled
        self._is_custom = isinstance(config.model, CustomModel)  # whose forward pass may change anything
        self._snapshot: Snapshot | None = None  # the last one, until it is known to be complete
        self._parameters = [p for p in self.model.parameters() if p.requires_grad]

    @classmethod
    def create(cls, config: TrialConfig, pack: Pack, device: torch.device) -> Self:
        """Return a fresh learner for the images of `pack`.

        Weights are drawn from config.seed, the same on any device.

        Raises:
            TrainingError: the model cannot be built, or the weights that it starts from are not there.
        """
        shape = {"num_classes": len(pack.class_names), "in_channels": pack.channels, "image_size": pack.image_size}
        # Epoch 0 is the drawing of the weights: epoch 1 draws dropout masks from a stream of its own.
        with seeded(config.seed, 0, device):
            model = build_model(config.model, **shape)
            start_from_weights(model, config.model, mean=pack.mean, std=pack.std, **shape)
        if config.memory.checkpoint_activations:
            checkpoint_activations(model)
        return cls(config, model, device, pack.counts["train"])

    @property
    def judged(self) -> nn.Module:
        """The model that is evaluated and kept: averaged weights where configured."""
        return self.model if self._average is None else self._average.model

    @property
    def least_images(self) -> int:
        """The fewest images of a batch that make a pass of their own: batch norm has no variance over one."""
        return 2 if self._lone_image.norms else 1

    @property
    def notes(self) -> tuple[str, ...]:
        """Decisions made on the way, a sentence each."""
        asked = self.micro_batch is not None and self.micro_batch < self.least_images
        widened = "batch norm has no variance over one image: passes of two, not of one" if asked else ""
        return tuple(filter(None, (self.compilation.note, self._lone_image.note, widened)))

    def share(self, group: DeviceGroup) -> None:
        """Share each step with the learners of a group's other devices, which must do so at the same time.

        All go on from the first one's weights. What is compiled is not shared.
        """
        self.group = group
        self._module = group.wrap(self.model, may_skip=self._is_custom)
        self.compilation = NotCompiled(self._module)

    def agree(self) -> None:
        """Take the same buffers as the other devices of the group, of which each has seen its own images."""
        self.group.agree(self.model)
        if self._average is not None:
            self.group.agree(self._average.model)

    def step(self, images: Tensor, labels: Tensor, lr: float, weight: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """Take one optimiser step at learning rate `lr`.

        `images` are [B, C, H, W], `labels` [B], or [B, classes] where mixup or cutmix mixed them. The mean loss counts
        `weight` in that of all devices of the group.

        Returns:
            The mean loss, the logits [B, classes] and the gradient norm before clipping, all on the device: nothing
            here waits for it.
        """
        with self.compilation.step(images):
            loss, logits = self._differentiate(images, labels, weight)
            # A snapshot shares the live tensors until now: it must be copied before the update below overwrites them.
            if self._snapshot is not None:
                self._snapshot.complete()
                self._snapshot = None
            set_lr(self._optimizer, lr)
            # note: fp16 gradients carry the loss scale; they must lose it before they are clipped. Without fp16 the
            # scaler does nothing.
            self._scaler.unscale_(self._optimizer)
            norm = clip_gradients(self._parameters, *self._clip)
            # skipped where fp16 gradients are inf or NaN; the scaler then halves its scale
            self._scaler.step(self._optimizer)
            self._scaler.update()
        if self._average is not None:
            self._average.update()
        return loss, logits, norm

    def _differentiate(self, images: Tensor, labels: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Replace the gradients by those of `weight` times the mean loss; return loss and logits.

        A model that does not compile fails here, in the forward or the backward pass; the step is then repeated
        uncompiled.
        """
        self._optimizer.zero_grad(set_to_none=True)
        try:
            return self._accumulate(images, labels, weight)
        except Exception as error:
            if not self.compilation.gives_up(error):
                raise
        # note: outside the except block, whose traceback would keep the failed pass's activations alive. The pass may
        # have left part of the gradients.
        self._optimizer.zero_grad(set_to_none=True)
        return self._accumulate(images, labels, weight)

    def _accumulate(self, images: Tensor, labels: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Add up gradients over micro-batches of nearly equal size.

        Each counts by its share of the images, so that the sum is the gradient of the mean over the batch.
        """
        parts = count_passes(len(images), self.micro_batch, self.least_images)
        if parts == 1:
            return self._backward(images, labels, weight)
        losses, logits = [], []
        # Parts differ by at most one image: a small last part would have noisy batch-norm statistics.
        for number, (part_images, part_labels) in enumerate(
            zip(images.tensor_split(parts), labels.tensor_split(parts), strict=True), start=1
        ):
            share = len(part_images) / len(images)
            with nullcontext() if number == parts else self.group.unshared(self._module):
                loss, part_logits = self._backward(part_images, part_labels, share * weight)
            losses.append(loss * share)
            logits.append(part_logits)
        # losses are already weighted; [B, classes] in the order of the batch
        return torch.stack(losses).sum(), torch.cat(logits)

    def _backward(self, images: Tensor, labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
        """Add the gradients of `share` times the mean loss; of several devices, the mean of theirs.

        Returns the loss and the logits, detached.
        """
        # A compiled pass is made for full batches; a single image goes through the norms' own way (LoneImageNorms).
        forward = self.compilation.forward if len(images) > 1 else self._module
        with self._lone_image.pass_of(images):
            with self.precision.autocast():
                logits = forward(images)
                loss: Tensor = self._loss(logits, labels)
            # All parts carry the same loss scale, so that unscale_ gives the gradients of the mean loss.
            torch.autograd.backward(self._scaler.scale(loss if share == 1.0 else loss * share))
        return loss.detach(), logits.detach()

    def snapshot(self) -> Snapshot:
        """Return a copy of everything the next step depends on.

        It is complete before that step changes anything. What a forward pass changes, such as the averages of batch
        norm, is copied at once, and for a user's own model everything. The rest stays as it is until the first update:
        the thread that writes checkpoints copies it meanwhile.
        """
        buffers = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        self._snapshot = Snapshot(lambda: self._state(buffers))
        if self._is_custom:
            self._snapshot.complete()
        return self._snapshot

    def _state(self, buffers: Mapping[str, Tensor]) -> dict[str, Any]:
        model = self.model.state_dict()
        return {
            "model": {name: buffers.get(name, value) for name, value in model.items()},
            "average": None if self._average is None else self._average.state(),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "precision": self.precision.state(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from the state of a snapshot.

        Raises:
            RuntimeError, ValueError, KeyError: it belongs to another model or optimiser.
        """
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self._average is not None:
            self._average.load(state["average"])
        if state["scaler"]:  # empty where the training began on a device that needs none
            self._scaler.load_state_dict(state["scaler"])
        self.precision = self.precision.as_before(state["precision"])
