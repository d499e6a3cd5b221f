"""Augmentation and normalisation of a batch, from bytes to a step's input."""

from collections.abc import Callable

import torch
from torch import Tensor

from . import colour, crop, erase, flip, geometry, mix, policy
from .change import Augmentation, Change, Stage
from .config import AugmentConfig
from .draw import Draw, Rows, Streams, stream
from .normalise import Normalise

# In the order in which they are applied. A new one is a line here, its fields in config.py, and an example in its test.
AUGMENTATIONS: dict[str, Augmentation] = {
    "crop": Augmentation(Stage.BYTES, crop.build),
    "flip": Augmentation(Stage.BYTES, flip.build),
    "policy": Augmentation(Stage.BYTES, policy.build),
    "geometry": Augmentation(Stage.LIGHT, geometry.build),
    "colour": Augmentation(Stage.LIGHT, colour.build),
    "erase": Augmentation(Stage.NORMALISED, erase.build_erase),
    "cutout": Augmentation(Stage.NORMALISED, erase.build_cutout),
}
MIX = "mix"  # comes last: the name of its stream

Augment = Callable[[Tensor, Tensor, Rows], tuple[Tensor, Tensor]]


class Pipeline:
    """The augmentations of a configuration, in their order.

    Where none works on light, bytes are normalised as in evaluation.
    """

    def __init__(
        self, config: AugmentConfig, normalise: Normalise, *, classes: int, seed: int, device: torch.device
    ) -> None:
        self._normalise = normalise
        self._seed, self._device = seed, device
        self._stages: dict[Stage, list[tuple[str, Change]]] = {stage: [] for stage in Stage}
        for name, entry in AUGMENTATIONS.items():
            if (change := entry.build(config)) is not None:
                self._stages[entry.stage].append((name, change))
        self._mix = mix.build(config, classes)

    def streams(self, number: int) -> Streams:
        """Return the generators of epoch `number`, one for each augmentation by its name."""
        names = [name for changes in self._stages.values() for name, _ in changes]
        return {name: stream(self._seed, number, name) for name in (*names, MIX)}

    def epoch(self, number: int, streams: Streams) -> Augment:
        """Return the function that augments the batches of epoch `number`.

        It is called with each batch once and in order, and draws from the epoch's `streams`.

        It takes images uint8 [B, H, W, C], which it may change, labels int64 [B], and the rows of the split [B] that
        they are; it returns x [B, C, H, W] in channels_last memory, and labels, float32 [B, classes] where images are
        mixed.
        """

        def augment(images: Tensor, labels: Tensor, rows: Rows) -> tuple[Tensor, Tensor]:
            draws = {name: Draw(random, rows, number, self._seed, self._device) for name, random in streams.items()}
            images = self._run(Stage.BYTES, images, draws)
            if self._stages[Stage.LIGHT]:
                light = self._run(Stage.LIGHT, self._normalise.light(images), draws)
                images = self._normalise.from_light(light)
            else:
                images = self._normalise(images)
            images = self._run(Stage.NORMALISED, images, draws)
            return (images, labels) if self._mix is None else self._mix(images, labels, draws[MIX])

        return augment

    def _run(self, stage: Stage, images: Tensor, draws: dict[str, Draw]) -> Tensor:
        for name, change in self._stages[stage]:
            images = change(images, draws[name])
        return images
