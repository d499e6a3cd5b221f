"""The export of untrained models, before a search spends hours on them."""

import tempfile
from pathlib import Path

import torch
from torch import nn
from torch.export import ExportedProgram

from ...errors import ExportError
from ..checkpoints.checkpoint import save
from ..checkpoints.files import BEST
from ..config import TrialConfig
from ..data.pack import Pack
from ..models.config import PublishedModel
from .classifier import Classifier
from .export import write_and_verify
from .pixels import as_input, sample
from .program import capture, in_words

_IMAGES = 3  # verified together and one by one, so as batches of two sizes


class ExportRehearsal:
    """An export of untrained models, as `export_model` exports a winner.

    On images of `pack`.

    Several models of one space are alike: files are written, loaded and run for the first, and for each that has an
    operator which none before it had.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._operators: set[str] = set()
        self._architectures: set[tuple[str, str]] = set()

    def export(self, model: nn.Module, config: TrialConfig) -> None:
        """Export `model` through saved weights and a fresh copy.

        Its weights are written, loaded into a fresh model, and that is exported.

        Raises:
            ExportError: the weights do not fit a fresh model, or it cannot be exported, or answers otherwise then.
        """
        # note: on the disk of the cache, which is the home's; /tmp may be memory
        with tempfile.TemporaryDirectory(prefix=".export-", dir=self._pack.path.parent) as scratch:
            folder = Path(scratch)
            save(folder / BEST, {"model": model.state_dict()})
            classifier = _restored(folder, config, self._pack)
            images = sample(self._pack.train_and_val, _IMAGES)
            program = capture(classifier, config.model, torch.from_numpy(as_input(images)[:1]))
            if self._brings_an_operator(program):
                write_and_verify(program, classifier, config, self._pack, folder, images)

    def capture(self, net: nn.Module, config: PublishedModel) -> None:
        """Capture `net`, on the meta device, once for each architecture.

        What libraries publish is made of operators that ONNX has; weights for a file are not here yet.

        Raises:
            ExportError: it cannot be captured as a graph.
        """
        if (config.name, config.arch) in self._architectures:
            return
        self._architectures.add((config.name, config.arch))
        shape = (1, self._pack.channels, self._pack.image_size, self._pack.image_size)
        classifier = Classifier(net, self._pack.mean, self._pack.std).to("meta")
        capture(classifier, config, torch.empty(shape, dtype=torch.uint8, device="meta"))

    def _brings_an_operator(self, program: ExportedProgram) -> bool:
        operators = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
        is_new = not operators <= self._operators
        self._operators |= operators
        return is_new


def _restored(folder: Path, config: TrialConfig, pack: Pack) -> Classifier:
    try:
        return Classifier.from_checkpoint(folder / BEST, config, pack)
    except RuntimeError as error:  # of load_state_dict
        raise ExportError(
            f"model {config.model.name}: its weights do not fit a fresh one\n  {in_words(error, config.model)}"
        ) from error
