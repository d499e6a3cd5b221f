"""Batch norm in a training pass of one image."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


class LoneImageNorms:
    """Batch norms of `model` that take a single image in training.

    A batch of one image cannot be passed in larger parts. Where a map has come down to one pixel, it leaves one value
    per channel, which has no variance, and torch refuses it. There the norm takes its running averages, as in
    evaluation. `note` says so once it has happened; `norms` are the model's.
    """

    def __init__(self, model: nn.Module) -> None:
        self.note = ""
        self.norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
        self._switched: set[nn.Module] = set()

    @contextmanager
    def pass_of(self, images: Tensor) -> Iterator[None]:
        """Prepare for a forward and backward pass of `images` [B, ...].

        Without effect where B > 1.
        """
        hooks = []
        if len(images) == 1:
            # hooks for this pass alone: others pay nothing for them
            hooks = [norm.register_forward_pre_hook(self._before) for norm in self.norms]
            hooks += [norm.register_forward_hook(self._after, always_call=True) for norm in self.norms]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _before(self, norm: nn.Module, arguments: tuple[Any, ...]) -> None:
        values: Tensor = arguments[0]
        if norm.training and values.numel() == values.shape[1]:  # [1, C, 1, 1]: one value per channel
            norm.training = False
            self._switched.add(norm)
            self.note = "a pass of one image leaves batch norm one value per channel: it took its running averages"

    def _after(self, norm: nn.Module, arguments: tuple[Any, ...], output: Tensor) -> None:
        if norm in self._switched:
            self._switched.remove(norm)
            norm.training = True
