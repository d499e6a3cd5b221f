"""Exponential moving average of a model's weights.

Polyak & Juditsky 1992; in deep learning as in Szegedy et al. 2015, arXiv:1512.00567, section 8.
"""

from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """A model with the moving average of another's weights.

    Floating-point buffers (the statistics of norms) are averaged too, others copied. The decay is small at first,
    min(decay, (1 + steps) / (10 + steps)) as in TensorFlow's ExponentialMovingAverage, so that the drawn weights are
    forgotten also in a short training.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = deepcopy(model).requires_grad_(False)
        self._decay = decay
        self._steps = 0
        pairs = list(zip(_tensors(self.model), _tensors(model), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point()]
        # Lists of tensors, so that one fused call moves all of them.
        self._mean = ([mean for mean, _ in floats], [live for _, live in floats])
        self._copied = [(copy, live) for copy, live in pairs if not copy.is_floating_point()]

    @torch.no_grad()
    def update(self) -> None:
        """Move the average towards the weights after one more step."""
        self._steps += 1  # note: counted in the state: the decay must be the same after a resume
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        if self._mean[0]:
            get_ema_multi_avg_fn(decay)(*self._mean, self._steps)  # type: ignore[no-untyped-call]
        for copy, live_tensor in self._copied:  # integers, such as batch norm's count of batches, have no average
            copy.copy_(live_tensor)

    def state(self) -> dict[str, Any]:
        """Return everything the next update depends on; tensors are the live ones."""
        return {"model": self.model.state_dict(), "steps": self._steps}

    def load(self, state: dict[str, Any]) -> None:
        """Restore what `state()` returned.

        Raises:
            RuntimeError: it belongs to another model.
        """
        self.model.load_state_dict(state["model"])
        self._steps = state["steps"]


def _tensors(model: nn.Module) -> list[Tensor]:
    return [*(parameter.data for parameter in model.parameters()), *model.buffers()]
