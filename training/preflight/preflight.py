"""Checks before a study begins, in a process of their own.

`python -m` this module reads one JSON request on standard input and writes JSON lines on standard output: progress,
then a report or an error. The coordinator stays small and without torch, and a crash in an image decoder does not end
the search.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import HpoError
from ..config import TrialConfig
from ..data.pack import Pack
from ..data.prepare import prepare
from ..data.test_note import test_note
from ..loop.wanted_metrics import check_metrics
from ..machine.numerics import ON_A_CPU, Numerics
from ..report import IMPORTING


def check(request: dict[str, Any], emit: Any) -> dict[str, Any]:
    """Pack the data, try the models and their export, settle `auto`.

    `request["config"]` names the data, `request["models"]` the configurations to try. `request["cards"]` are the CUDA
    devices that may be used, None for all, [] for none; `request["measured"]` the configurations of whose checkpoints
    the size is wanted, `request["costed"]` those of whose models the cost is. Torch is only imported where
    something needs it.
    """
    config = TrialConfig.model_validate(request["config"])
    root = Path(request["data_root"]) if request["data_root"] else None

    def progress(stage: str, done: int, total: int) -> None:
        emit({"stage": stage, "done": done, "total": total})

    pack = prepare(config.data, cache=Path(request["cache"]), data_root=root, progress=progress)
    check_metrics(config, pack)
    models, measured, costed = (
        [TrialConfig.model_validate(each) for each in request[key]] for key in ("models", "measured", "costed")
    )
    if (
        models or measured or costed or request["cards"] != [] or config.compile == "auto"
    ):  # torch takes seconds to import
        progress(IMPORTING.words, 0, 0)
    if models:
        from .try_model import check_models

        progress("trying the models", 0, 0)
        check_models(models, pack, skip_export=request["skip_export_check"])
    checkpoint = _checkpoint_bytes(measured, pack) if measured else None
    gpus = 0 if request["cards"] == [] else _gpus()
    numerics = _numerics(request, config, pack, gpus)
    tested = test_note(pack.size("test"), config.data, pack.given_splits)
    return {
        "pack": str(pack.path),
        "fingerprint": pack.fingerprint,
        "train_images": pack.size("train"),
        "val_images": pack.validated,
        "test_images": pack.size("test"),
        "given_splits": list(pack.given_splits),
        "gpus": gpus,
        "numerics": numerics.to_json(),
        "checkpoint_bytes": checkpoint,
        "costs": _costs(costed, pack) if costed else [],
        "notes": [*pack.notes, tested, *filter(None, (numerics.note,))],
    }


def _checkpoint_bytes(configs: Sequence[TrialConfig], pack: Pack) -> int | None:
    from .checkpoint_size import checkpoint_bytes  # torch takes seconds to import

    return checkpoint_bytes(configs, pack)


def _costs(configs: Sequence[TrialConfig], pack: Pack) -> list[tuple[int, int] | None]:
    from .model_costs import model_costs  # torch takes seconds to import

    return model_costs(configs, pack)


def _gpus() -> int:
    from torch import cuda

    return int(cuda.device_count())


def _numerics(request: dict[str, Any], config: TrialConfig, pack: Pack, gpus: int) -> Numerics:
    wanted = request["cards"]
    cards = [card for card in (range(gpus) if wanted is None else wanted) if card < gpus]
    if not cards and config.compile != "auto":
        return ON_A_CPU  # torch takes seconds to import
    import torch

    from .decide_numerics import decide_numerics

    torch.set_num_threads(request["threads"])
    devices = [f"cuda:{card}" for card in cards] or ["cpu"]
    return decide_numerics(config, pack, devices, Path(request["cache"]))


def main() -> None:
    """Answer the request on standard input."""
    output = sys.stdout
    sys.stdout = sys.stderr  # what libraries and the user's model print is not an answer

    def emit(message: dict[str, Any]) -> None:
        output.write(json.dumps(message) + "\n")
        output.flush()

    try:
        emit({"report": check(json.load(sys.stdin), emit)})
    except HpoError as error:
        emit({"error": _public_name(error), "text": str(error)})


def _public_name(error: HpoError) -> str:
    """Return the nearest class of `error` that errors.py has.

    The coordinator can raise that again.
    """
    return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == HpoError.__module__)


if __name__ == "__main__":
    main()
