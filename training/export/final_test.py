"""The final test: the one look at the test split."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy

from ...common.atomic import write_atomic
from ...common.bounded import JSON_BYTES, read_bytes
from ...common.interval import wilson
from ...errors import TrainingError
from ..data.appearance import Appearance, appearance
from ..data.batches import EvalBatches
from ..data.pack import Pack, Split, count_openings, open_test
from ..machine.precision import Precision
from ..metrics.over_split import predict
from .classifier import Classifier
from .format_kind import Runtime
from .pixels import as_input

_BATCH = 512  # images per forward pass
Witness = Callable[[Split, NDArray[np.float32]], None]


@dataclass(frozen=True, slots=True)
class FinalTest:
    """A model's result on the test split.

    `accuracy` in [0, 1] with its Wilson 95 % `interval`, `loss` in nats, `images` in the split, `opening` which
    opening of the split of this study it was, from 1: every further one makes the number less honest. `formats` has the
    accuracy of each exported file that was tested in the same opening; `appearance` the brightness and contrast of the
    images, None where a version before kept the result.
    """

    accuracy: float
    interval: tuple[float, float]
    loss: float
    images: int
    opening: int
    formats: Mapping[str, float] = field(default_factory=dict)
    appearance: Appearance | None = None


def final_test(
    classifier: Classifier,
    pack: Pack,
    *,
    device: str,
    reason: str,
    log: Path,
    kept: Path,
    witness: Witness,
    formats: Mapping[str, Runtime] | None = None,
) -> FinalTest:
    """Test `classifier` on images that nothing was chosen by.

    In float32, which gives the numbers of the exported files.

    The result is kept in the file `kept`: asked again about the very same weights, data and formats, for example after
    an interruption, it is read from there and the split stays closed.

    Args:
        classifier: the model; it is moved to `device` and back to the CPU.
        pack: the data set whose test split is opened.
        device: as torch names it.
        reason: for the log.
        log: the study's log of openings.
        kept: where the result is kept.
        witness: called with the images and the logits [N, classes] while the split is open, before the result is kept.
        formats: exported files of the model, loaded, under names that say how they were made.

    Raises:
        DataError: the opening cannot be logged.
        TrainingError: the model's loss on the split is not a number.
    """
    key = {"weights": classifier.weights_digest(), "fingerprint": pack.fingerprint}
    formats = formats or {}
    kept_result = _recall(kept, key)
    if kept_result is not None and formats.keys() <= kept_result.formats.keys():
        return kept_result
    split = open_test(pack, reason, log)
    opening = count_openings(pack, log)
    target = torch.device(device)
    batches = EvalBatches(split, mean=pack.mean, std=pack.std, batch_size=_BATCH, device=target)
    predictions = predict(classifier.model.to(target), batches, Precision(target, torch.float32))
    classifier.to("cpu")
    loss = float(cross_entropy(predictions.logits, predictions.labels))
    if not torch.isfinite(predictions.logits).all():
        raise UntestableError(
            f"the model's answers on the {len(split)} test images must be numbers, got NaN or infinity"
        )
    witness(split, predictions.logits.numpy())
    correct = int((predictions.logits.argmax(dim=1) == predictions.labels).sum())
    accuracy, interval = correct / len(split), wilson(correct, len(split))
    test_appearance = appearance(split.images)
    tested = FinalTest(accuracy, interval, loss, len(split), opening, _accuracies(formats, split), test_appearance)
    write_atomic(kept, json.dumps({"of": key, **asdict(tested)}, indent=2).encode())
    return tested


def accuracies_on_test(formats: Mapping[str, Runtime], pack: Pack, *, reason: str, log: Path) -> dict[str, float]:
    """Return the test accuracies of exported files, in one opening.

    Of a model that was tested before; without files nothing is opened.

    Raises:
        DataError: the opening cannot be logged.
    """
    return _accuracies(formats, open_test(pack, reason, log)) if formats else {}


class UntestableError(TrainingError):
    """A model without usable answers on the test split."""

    exit_code = 1


def _accuracies(formats: Mapping[str, Runtime], split: Split) -> dict[str, float]:
    return {name: _correct(run, split) / len(split) for name, run in formats.items()}


def _correct(run: Runtime, split: Split) -> int:
    """Count the images that are answered right.

    In slices, since a split may be larger than memory.
    """
    correct = 0
    for start in range(0, len(split), _BATCH):
        rows = slice(start, start + _BATCH)
        part = Split(split.images[rows], split.labels[rows], split.index[rows])
        correct += int(np.sum(run(as_input(part)).argmax(axis=1) == part.labels))
    return correct


def _recall(kept: Path, key: dict[str, str]) -> FinalTest | None:
    """Return the kept result of this model and data, if any."""
    try:
        content = json.loads(read_bytes(kept, JSON_BYTES))
    except FileNotFoundError:
        return None
    if content.pop("of") != key:
        return None
    test_appearance = content.get("appearance")
    return FinalTest(
        **{
            **content,
            "interval": tuple(content["interval"]),
            "appearance": test_appearance and Appearance(**test_appearance),
        }
    )
