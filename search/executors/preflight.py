"""Packing the data and trying the models in a child process."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from ... import errors
from ...common.children import start_python
from ...training.config import TrialConfig
from ...training.machine.numerics import Numerics

Stage = Callable[[str, int, int], None]


class ModelCost(NamedTuple):
    """The parameters of a model, and the operations of its forward pass of one image."""

    parameters: int
    flops: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """The results of the preflight.

    `pack` is the packed data set, `numerics` what `auto` means here. `gpus` is the number of CUDA devices that torch
    sees, 0 where nobody asked; `checkpoint_bytes` the size of a trial's checkpoints at most, None where nobody asked or
    it is not known; `notes` what was decided about the data and for `auto`, in sentences; `given_splits` are those that
    the source names, `costs` those of the models that were asked about, None where one is not known.
    """

    pack: Path
    fingerprint: str
    train_images: int
    val_images: int
    gpus: int
    numerics: Numerics
    notes: tuple[str, ...]
    checkpoint_bytes: int | None = None
    test_images: int = 0
    given_splits: tuple[str, ...] = ()
    costs: tuple[ModelCost | None, ...] = ()


def preflight(
    config: TrialConfig,
    *,
    models: Sequence[TrialConfig] = (),
    measured: Sequence[TrialConfig] = (),
    costed: Sequence[TrialConfig] = (),
    cache: Path,
    data_root: Path | None,
    cards: list[int] | None,
    threads: int,
    progress: Stage,
    skip_export_check: bool = False,
) -> Preflight:
    """Pack the data, try each model on them, and fetch weights.

    Args:
        config: whose data, and whose `auto` values, are meant.
        models: one configuration for each model of the space.
        measured: configurations of whose checkpoints the size is wanted, the largest of all.
        costed: configurations of whose models the cost is wanted.
        cache: where packs are kept.
        data_root: where public data sets lie.
        cards: the CUDA devices that the search may use, None for all, [] for none.
        threads: of a worker, where it computes on the CPU.
        progress: called with (stage, done, total), both 0 for a stage without images.
        skip_export_check: whether models that cannot be exported may pass; else each is exported, untrained.

    Raises:
        DataError: the data is missing or broken.
        TrainingError: a model cannot be built or exported, or its weights are not to be had.
    """
    request = {
        "config": config.model_dump(),
        "models": [model.model_dump() for model in models],
        "measured": [each.model_dump() for each in measured],
        "costed": [each.model_dump() for each in costed],
        "cache": str(cache),
        "data_root": str(data_root) if data_root else None,
        "cards": cards,
        "threads": threads,
        "skip_export_check": skip_export_check,
    }
    pipe = subprocess.PIPE
    # torch is imported and the data packed in a child: the coordinator must not hold their memory for the whole run.
    # note: Ctrl-C at the terminal is for this process alone, else the child's traceback would be its answer
    with start_python(
        "hpo.training.preflight.preflight", text=True, stdin=pipe, stdout=pipe, start_new_session=True
    ) as child:
        try:
            return _answer(child, request, progress)
        except KeyboardInterrupt:
            child.kill()
            raise


def _answer(child: "subprocess.Popen[str]", request: dict[str, Any], progress: Stage) -> Preflight:
    """Send `request` to `child`, and return its report."""
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child's pipes are missing")
    child.stdin.write(json.dumps(request))
    child.stdin.close()  # the child reads to the end of file
    for line in child.stdout:
        message = json.loads(line)
        if "report" in message:
            return _read(message["report"])
        if "error" in message:
            raise getattr(errors, message["error"])(message["text"])  # the same HpoError as in the child
        progress(message["stage"], message["done"], message["total"])
    raise errors.DataError(f"preparing the data must end, but the process died with exit code {child.wait()}")


def _read(report: dict[str, Any]) -> Preflight:
    return Preflight(
        pack=Path(report["pack"]),
        fingerprint=report["fingerprint"],
        train_images=report["train_images"],
        val_images=report["val_images"],
        test_images=report["test_images"],
        given_splits=tuple(report["given_splits"]),
        gpus=report["gpus"],
        numerics=Numerics(**report["numerics"]),
        notes=tuple(report["notes"]),
        checkpoint_bytes=report["checkpoint_bytes"],
        costs=tuple(None if cost is None else ModelCost(*cost) for cost in report["costs"]),
    )
