"""Evaluation on the validation images, within the memory that a training leaves."""

import gc

import torch
from torch import nn

from ..data.batches import EvalBatches
from ..data.pack import Pack
from ..machine.memory import Passes, is_out_of_memory
from ..machine.precision import Precision
from ..metric_names import ExtraMetric
from ..metrics.over_split import Evaluation, evaluate


class Validation:
    """The validation images of `pack` on `device`, and the metrics that are `wanted` of them."""

    def __init__(self, pack: Pack, device: torch.device, wanted: tuple[ExtraMetric, ...]) -> None:
        self._pack, self._device, self._wanted = pack, device, wanted
        self._kept: EvalBatches | None = None

    def evaluate(self, model: nn.Module, precision: Precision, passes: Passes) -> tuple[Evaluation, Passes]:
        """Return the metrics of `model`, and the passes that there was memory for.

        They are smaller than `passes` where memory is short; the numbers do not depend on the size of a pass but for
        rounding.
        """
        while True:
            try:
                return evaluate(model, self.batches(passes), precision, self._wanted), passes
            except Exception as error:
                smaller = passes.smaller_evaluate()
                if not is_out_of_memory(error) or smaller is None:
                    raise
            # note: outside the except block, whose traceback keeps the failed pass's tensors alive.
            self.free()
            passes = smaller

    def batches(self, passes: Passes) -> EvalBatches:
        """Return the validation batches: those of the epoch before, unless they were freed since.

        So images that fit on a card are sent there once. They are first sent beside a training that has been at its
        peak of memory, so that they do not stand in its way later.
        """
        if self._kept is None:
            pack = self._pack
            self._kept = EvalBatches(
                pack.val, mean=pack.mean, std=pack.std, batch_size=passes.evaluate, device=self._device
            )
        return self._kept

    def free(self) -> None:
        """Free the images' memory, and what else is not in use."""
        self._kept = None
        gc.collect()  # tensors of a failed step are kept alive by cycles through its traceback
        torch.cuda.empty_cache()  # without effect where CUDA is not in use
