"""A trained model, opened: from pixels to logits and calibrated probabilities."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor
from torch.export.passes import move_to_device_pass

from ..errors import ExportError
from .checkpoint import BEST
from .export.classifier import Classifier
from .export.manifest import ExportManifest
from .export.names import PROGRAM
from .export.quiet import quiet
from .scores import Logits
from .trained import Trained

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model on a device.

    `known` is what its folder says; `version` the first 12 digits of the SHA-256 of its weights; `forward` takes
    uint8 [N, C, H, W] and gives logits float32 [N, classes], both on `device`.
    """

    known: Trained
    version: str
    device: torch.device
    forward: Callable[[Tensor], Tensor]

    def logits(self, images: Pixels) -> Logits:
        """Images as `decode` gives them, uint8 [N, size, size, channels], to logits float32 [N, classes]."""
        pixels = np.array(images.transpose(0, 3, 1, 2), order="C")  # a copy: a pack is read-only, which torch is not
        batch = torch.from_numpy(pixels).to(self.device)
        with torch.inference_mode():
            found: Logits = self.forward(batch).float().cpu().numpy()
        return found

    def probabilities(self, logits: Logits) -> NDArray[np.float32]:
        """Calibrated probabilities [N, classes]: the softmax of the logits over the temperature."""
        found: NDArray[np.float32] = softmax(logits / np.float32(self.known.temperature), axis=1)
        return found


def open_export(known: Trained, device: str) -> TrainedModel:
    """The program of an export; the code of the model is not needed.

    Raises:
        ExportError: it cannot be loaded.
    """
    path = known.path / PROGRAM
    try:
        with quiet():
            program = torch.export.load(path)
            program = program if device == "cpu" else move_to_device_pass(program, device)
            module = program.module()
    except Exception as error:  # torch.export has no error of its own for a file that is damaged
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExportError(f"{path}: cannot be loaded: {reason[:200]}") from error
    version = ExportManifest.read(known.path).model_version
    return TrainedModel(known, version, torch.device(device), module)


def open_run(known: Trained, device: str) -> TrainedModel:
    """The weights of a run's best epoch, in the model of its configuration.

    Raises:
        CheckpointError: they are missing or corrupt.
        TrainingError: the model cannot be built.
    """
    classifier = Classifier.restore(known.path / BEST, known.config, known.preprocessing, len(known.class_names))
    version = classifier.weights_digest()[:12]
    return TrainedModel(known, version, torch.device(device), classifier.to(device))
