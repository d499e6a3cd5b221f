"""From `auto` to a number format and to compiled or not: found out once per configuration, data and machine.

The format follows a rule (see `precision.auto_dtype`). Whether compiling pays is measured, before any training, on the
model and data at hand; the answer is kept in a file, so that no later process asks a stopwatch again.
"""

import hashlib
import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path
from statistics import median

import torch

from ...common.bounded import JSON_BYTES, read_bytes
from ..config import TrialConfig
from ..data.batches import TrainBatches
from ..data.pack import Pack
from ..data.reader import Batch
from ..loop.feed import train_batches
from ..loop.learner import Learner
from ..machine.compilation import Compilation, NotCompiled, now
from ..machine.memory import is_out_of_memory
from ..machine.numerics import Numerics
from ..machine.precision import auto_dtype
from ..machine.seeding import seeded

_WARM_STEPS = 4  # before a measurement: caches, the choice of algorithms
_TIMED_STEPS = 8
_ROUNDS = 3  # of both, in turn: the worst of them decides, so that a busy moment compiles nothing
_LEAST_S = 20.0  # compiling a small model takes this long
_MOST_SAVED = 0.5  # of a step, at the very best: what decides whether an attempt is worth it
_CLEARLY = 1.5  # times what compiling takes must be saved


def decide_numerics(config: TrialConfig, pack: Pack, devices: Sequence[str], cache: Path) -> Numerics:
    """What `auto` stands for in `config` on these data and `devices` ("cpu", "cuda:1"), any of which a run may get.

    Args:
        config: of one run; a study asks with its first.
        pack: the data.
        devices: at least one; compiling is tried on the first.
        cache: where packs are kept; measured answers are kept in it too, and given again.

    Raises:
        TrainingError: the model cannot be built.
    """
    places = [torch.device(name) for name in devices]
    dtype = auto_dtype(places)
    if config.compile != "auto":
        return Numerics(dtype, "off")
    config = Numerics(dtype, "off").settle(config)
    answer = cache / "numerics" / f"{_key(config, pack, places[0])}.json"
    return _read(answer) or _keep(answer, CompileTrial(config, pack, places[0]).run())


@dataclass(frozen=True, slots=True)
class CompileTrial:
    """Steps of training with and without torch.compile, in turn, on `device`."""

    config: TrialConfig
    pack: Pack
    device: torch.device
    backend: str = "inductor"
    least_s: float = _LEAST_S

    def run(self) -> Numerics:
        """Whether compiling clearly pays back within the budget of the configuration, with the figures."""
        learner = Learner.create(self.config, self.pack, self.device)
        batches = train_batches(self.config, self.pack, self.pack.train, self.device)
        with seeded(self.config.seed, 0, self.device):
            try:
                pays, figures = self._compare(learner, batches)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                pays, figures = False, "not tried, out of memory"
        return Numerics(learner.precision.name, "on" if pays else "off", f"compile: {figures}")

    def _compare(self, learner: Learner, batches: TrainBatches) -> tuple[bool, str]:
        steps, stream = self.config.budget.epochs * batches.steps, _endless(batches)
        plain, compiled = NotCompiled(learner.model), Compilation(learner.model, self.device, backend=self.backend)
        list(self._seconds(learner, plain, islice(stream, _WARM_STEPS)))
        plain_s = median(self._seconds(learner, plain, islice(stream, _TIMED_STEPS)))
        if steps * plain_s * _MOST_SAVED < self.least_s:
            return False, f"not tried, {steps:,} steps of {1000 * plain_s:.1f} ms are too few to save time"
        compiling_s = sum(self._seconds(learner, compiled, islice(stream, _WARM_STEPS)))
        if "failed" in compiled.note:
            return False, compiled.note.removeprefix("compile: ")
        saved_s = inf  # per step
        for _ in range(_ROUNDS):
            plain_s = median(self._seconds(learner, plain, islice(stream, _TIMED_STEPS)))
            compiled_s = median(self._seconds(learner, compiled, islice(stream, _TIMED_STEPS)))
            saved_s = min(saved_s, plain_s - compiled_s)
        pays = steps * saved_s > _CLEARLY * compiling_s
        return pays, (
            f"{'on' if pays else 'off'}, it saves {1000 * saved_s:.2f} of {1000 * plain_s:.1f} ms in each of "
            f"{steps:,} steps and takes {compiling_s:.1f} s"
        )

    def _seconds(self, learner: Learner, forward: Compilation | NotCompiled, batches: Iterator[Batch]) -> list[float]:
        """What each step on `batches` takes; at rate 0, so that nothing diverges."""
        learner.compilation, taken = forward, []
        for images, labels in batches:
            started = now(self.device)
            learner.step(images, labels, lr=0.0)
            taken.append(now(self.device) - started)
        return taken


def _endless(batches: TrainBatches) -> Iterator[Batch]:
    """The full batches of the first epoch, again and again; all where none is full."""
    full = None
    while True:
        for images, labels in batches.epoch(1):
            full = full or len(images)
            if len(images) == full:
                yield images, labels


def _key(config: TrialConfig, pack: Pack, device: torch.device) -> str:
    """Names a measurement by all that it depends on; the seed does not matter."""
    on_cuda = device.type == "cuda"
    machine = torch.cuda.get_device_name(device) if on_cuda else f"{_processor()}, {torch.get_num_threads()} threads"
    unseeded = config.model_copy(update={"seed": 0}).model_dump_json()
    return hashlib.sha256("\0".join((unseeded, pack.fingerprint, machine, torch.__version__)).encode()).hexdigest()[:24]


def _processor() -> str:
    """The name of the CPU's kind."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return platform.processor()


def _read(path: Path) -> Numerics | None:
    try:
        return Numerics(**json.loads(read_bytes(path, JSON_BYTES)))
    except (OSError, ValueError, TypeError):
        return None  # not there, or damaged: found out again


def _keep(path: Path, measured: Numerics) -> Numerics:
    """Keep `measured`, unless another process was first: then its answer counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".", delete=False) as draft:
        draft.write(json.dumps(measured.to_json()))
    with suppress(FileExistsError):
        os.link(draft.name, path)
    Path(draft.name).unlink()
    return _read(path) or measured
