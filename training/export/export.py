"""Export of a trained model to files, each run again and compared."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.export import ExportedProgram

from ...common import preprocess
from ..config import TrialConfig
from ..data.pack import Pack, Split
from ..data.preprocessing import Preprocessing
from .classifier import Classifier
from .formats.registry import FORMATS
from .manifest import config_hash
from .names import ONNX, PREPROCESS, PROGRAM
from .onnx_file import write_onnx
from .pixels import as_input, sample
from .program import capture, save_program
from .verify import Agreement, reference_logits, verify

_IMAGES = 512  # compared on: fewer miss rare differences, more take longer


@dataclass(frozen=True, slots=True)
class Exported:
    """The written files' agreement with the trained model.

    `weights_digest` names the weights.
    """

    onnx: Agreement
    program: Agreement
    opset: int
    weights_digest: str


def export_model(
    classifier: Classifier, config: TrialConfig, pack: Pack, folder: Path, temperature: float = 1.0
) -> Exported:
    """Write model.onnx, model.pt2 and preprocess.py; verify the models.

    Into `folder`, and on up to 512 images.

    The images are of training and validation; preprocess.py is what makes images of files, with nothing of hpo.

    `temperature` is kept for whoever turns the logits into probabilities. The test split is not needed for this: an
    export that fails costs no look at it.

    Raises:
        ExportError: the model cannot be exported, or a file does not give the model's answers.
    """
    images = sample(pack.train_and_val, _IMAGES)
    program = capture(classifier, config.model, torch.from_numpy(as_input(images)[:1]))
    return write_and_verify(program, classifier, config, pack, folder, images, temperature)


def write_and_verify(
    program: ExportedProgram,
    classifier: Classifier,
    config: TrialConfig,
    pack: Pack,
    folder: Path,
    images: Split,
    temperature: float = 1.0,
) -> Exported:
    """Export the captured `program` of `classifier`, verified on `images`.

    As `export_model` does.

    Raises:
        ExportError: it cannot be written, or a file does not give the model's answers.
    """
    save_program(program, folder / PROGRAM)
    shutil.copyfile(preprocess.__file__, folder / PREPROCESS)
    metadata = onnx_metadata(pack, config, classifier.weights_digest(), temperature)
    opset = write_onnx(program, folder / ONNX, config.model, metadata)
    reference = reference_logits(classifier, pack, images)
    return Exported(
        onnx=verify(ONNX, FORMATS.find("onnx").load(folder, 1), images, reference),
        program=verify(PROGRAM, FORMATS.find("pt2").load(folder, 1), images, reference),
        opset=opset,
        weights_digest=classifier.weights_digest(),
    )


def onnx_metadata(pack: Pack, config: TrialConfig, weights_digest: str, temperature: float) -> dict[str, str]:
    """Return the metadata of the ONNX file; lists and numbers as JSON."""
    metadata = Preprocessing.of(pack).model_dump(mode="json")
    metadata |= {
        "class_names": pack.class_names,
        "data_fingerprint": pack.fingerprint,
        "config_hash": config_hash(config),
    }
    metadata |= {"model_version": weights_digest[:12], "temperature": temperature}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in metadata.items()}
