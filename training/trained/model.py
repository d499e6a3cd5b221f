"""A trained model, opened: from pixels to logits and calibrated probabilities."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor
from torch.export.passes import move_to_device_pass

from ...common.cores import available_cores
from ...errors import ExportError
from ..checkpoints.files import BEST
from ..export.classifier import Classifier
from ..export.export_folder import ExportFolder
from ..export.formats.onnx import onnx_runtime
from ..export.names import ONNX, PROGRAM
from ..export.quiet import quiet
from ..export.verify import first_line
from ..metrics.confidence import Logits
from .folder import Trained

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A trained model on a device.

    `trained` is what its folder says; `version` the first 12 digits of the SHA-256 of its weights; `forward` takes
    uint8 [N, C, H, W] and gives logits float32 [N, classes], both on `device`; `note` is what was decided as it was
    opened, in a sentence, empty where nothing was.
    """

    trained: Trained
    version: str
    device: torch.device
    forward: Callable[[Tensor], Tensor]
    note: str = ""

    def logits(self, images: Pixels) -> Logits:
        """Map images to logits.

        uint8 [N, size, size, channels], as `decode` gives them, to float32 [N, classes].
        """
        pixels = np.array(images.transpose(0, 3, 1, 2), order="C")  # a copy: a pack is read-only, which torch is not
        batch = torch.from_numpy(pixels).to(self.device)
        with torch.inference_mode():
            logits: Logits = self.forward(batch).float().cpu().numpy()
        return logits

    def probabilities(self, logits: Logits) -> NDArray[np.float32]:
        """Calibrated probabilities [N, classes]: the softmax of the logits over the temperature."""
        shares: NDArray[np.float32] = softmax(logits / np.float32(self.trained.temperature), axis=1)
        return shares


def open_trained(trained: Trained, device: str = "cpu") -> TrainedModel:
    """Open the model of `trained` on `device` as torch names it.

    Raises:
        TrainingError: the weights are missing or corrupt, or the model's code is no longer there.
        ExportError: the exported program cannot be loaded.
    """
    return _open_export(trained, device) if trained.kind == "export" else _open_run(trained, device)


def _open_export(trained: Trained, device: str) -> TrainedModel:
    """Open an export on record by its program, others by model.onnx.

    The latter is data; it runs on the CPU.

    Raises:
        ExportError: it cannot be loaded, or is not the file that the manifest describes.
    """
    export = ExportFolder.open(trained.path)
    version = export.manifest.model_version
    if export.is_on_record:
        return TrainedModel(trained, version, torch.device(device), _program(export.checked(PROGRAM), device))
    elsewhere = "" if device == "cpu" else f" and not on {device}"
    note = f"{trained.path}: not made by this account's hpo, so {ONNX} answers, on the CPU{elsewhere}"
    return TrainedModel(trained, version, torch.device("cpu"), _graph(export.checked(ONNX), trained), note)


def _program(path: Path, device: str) -> Callable[[Tensor], Tensor]:
    try:
        with quiet():
            program = torch.export.load(path)
            program = program if device == "cpu" else move_to_device_pass(program, device)
            return program.module()
    except Exception as error:  # torch.export has no error of its own for a file that is damaged
        raise _unusable(path, error) from error


def _graph(path: Path, trained: Trained) -> Callable[[Tensor], Tensor]:
    """Open the ONNX file and try it on a blank image.

    It may be of another model than the manifest.
    """
    size, channels = trained.preprocessing.image_size, trained.preprocessing.channels
    try:
        run = onnx_runtime(path, available_cores())
        answer = run(np.zeros((1, channels, size, size), np.uint8))
    except Exception as error:  # nor has ONNX Runtime
        raise _unusable(path, error) from error
    if answer.shape != (1, len(trained.class_names)):
        raise ExportError(f"{path}: must give logits [1, {len(trained.class_names)}], got {list(answer.shape)}")
    return lambda images: torch.from_numpy(run(images.numpy()))


def _unusable(path: Path, error: Exception) -> ExportError:
    return ExportError(f"{path}: cannot be loaded: {first_line(error)}")


def _open_run(trained: Trained, device: str) -> TrainedModel:
    """Open the weights of a training's epoch that counts.

    Raises:
        CheckpointError: they are missing or corrupt.
        TrainingError: the model cannot be built.
    """
    classifier = Classifier.restore(
        trained.path / BEST, trained.config, trained.preprocessing, len(trained.class_names)
    )
    version = classifier.weights_digest()[:12]
    return TrainedModel(trained, version, torch.device(device), classifier.to(device))
