"""Decision of what `auto` means: number format, compiled or not.

Found out once per configuration, data and machine.

The format follows a rule (see `precision.auto_dtype`). Whether compiling pays is measured, before any training, on the
model and data at hand; the answer is kept in a file, so that no later process asks a stopwatch again.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import inf
from pathlib import Path
from statistics import median

import torch

from ..config import TrialConfig
from ..data.batches import TrainBatches
from ..data.pack import Pack
from ..data.reader import Batch
from ..loop.feed import train_batches
from ..loop.learner import Learner
from ..machine.compilation import Compilation, NotCompiled, now
from ..machine.measured import measured_once, processor
from ..machine.memory import is_out_of_memory
from ..machine.numerics import Numerics
from ..machine.precision import auto_dtype
from ..machine.seeding import seeded

_WARM_STEPS = 4  # before a measurement: caches warm up, libraries choose their algorithms
_TIMED_STEPS = 8  # per measurement, of which the median counts
# of both, in turn: the smallest saving decides, so that a busy moment on the machine turns no compilation on
_ROUNDS = 3
_LEAST_S = 20.0  # compiling a small model takes this long
_MOST_SAVED = 0.5  # of a step, at the very best: what decides whether an attempt is worth it
_CLEARLY = 1.5  # saved time over compiling time: a figure nearer to 1 could be noise


def decide_numerics(config: TrialConfig, pack: Pack, devices: Sequence[str], cache: Path) -> Numerics:
    """Decide what `auto` stands for in `config` on these data and devices.

    A training may get any of the `devices`.

    Args:
        config: of one training; a study asks with its first.
        pack: the data.
        devices: at least one; compiling is tried on the first.
        cache: where packs are kept; measured answers are kept in it too, and given again.

    Raises:
        TrainingError: the model cannot be built.
    """
    torch_devices = [torch.device(name) for name in devices]
    dtype = auto_dtype(torch_devices)
    if config.compile != "auto" or config.devices > 1:
        return Numerics(dtype, "off")
    config = Numerics(dtype, "off").settle(config)
    return measured_once(
        cache / "numerics" / f"{_key(config, pack, torch_devices[0])}.json",
        CompileTrial(config, pack, torch_devices[0]).run,
        lambda kept: Numerics(**kept),
        Numerics.to_json,
    )


@dataclass(frozen=True, slots=True)
class CompileTrial:
    """A measurement of training steps with and without torch.compile, in turn."""

    config: TrialConfig
    pack: Pack
    device: torch.device
    backend: str = "inductor"
    least_s: float = _LEAST_S

    def run(self) -> Numerics:
        """Measure whether compiling clearly pays back within the budget."""
        learner = Learner.create(self.config, self.pack, self.device)
        batches = train_batches(self.config, self.pack, "train", self.device)
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
        # Asked first, with the best saving imaginable: compiling only to find that it cannot pay would cost `least_s`.
        if steps * plain_s * _MOST_SAVED < self.least_s:
            return False, f"not tried, {steps:,} steps of {1000 * plain_s:.1f} ms are too few to save time"
        compiling_s = sum(self._seconds(learner, compiled, islice(stream, _WARM_STEPS)))
        if "failed" in compiled.note:
            return False, compiled.note.removeprefix("compile: ")
        saved_s = inf  # per step, the least of the rounds
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
        """Return the seconds of each step on `batches`.

        At learning rate 0, so that nothing diverges.
        """
        learner.compilation, seconds = forward, []
        for images, labels in batches:
            started = now(self.device)
            learner.step(images, labels, lr=0.0)
            seconds.append(now(self.device) - started)
        return seconds


def _endless(batches: TrainBatches) -> Iterator[Batch]:
    """Yield the full batches of the first epoch, again and again.

    All batches where none is full: a compiled pass is made for one shape.
    """
    full_size = None
    while True:
        for images, labels in batches.epoch(1):
            full_size = full_size or len(images)
            if len(images) == full_size:
                yield images, labels


def _key(config: TrialConfig, pack: Pack, device: torch.device) -> str:
    """Return a measurement's name, a digest of all that it depends on.

    The seed is left out, it changes no step's time.
    """
    on_cuda = device.type == "cuda"
    machine = torch.cuda.get_device_name(device) if on_cuda else f"{processor()}, {torch.get_num_threads()} threads"
    unseeded = config.model_copy(update={"seed": 0}).model_dump_json()
    return hashlib.sha256("\0".join((unseeded, pack.fingerprint, machine, torch.__version__)).encode()).hexdigest()[:24]
