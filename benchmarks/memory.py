"""Memory saved by each option, and its cost in time.

Training steps of a ResNet-18 on 32x32 images.

Each side runs in a process of its own, a fork. Its figure is the peak of resident memory over three steps, less what
the process held before it had a model; on a GPU the same tensors are what fills the card. Sides take turns over the
repeats; time is that of the processor.
"""

import argparse
import ctypes
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from harness import arguments, figure, finish, ratio
from hpo.training.config import TrialConfig
from hpo.training.loop.learner import Learner
from hpo.training.models.build import build_model
from hpo.training.models.checkpointing import checkpoint_activations

STEPS = 3  # the optimizer's state is there from the second step on, and the peak with it
CLASSES = 10
M_MMAP_THRESHOLD = -3  # of glibc's malloc.h

SIDES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "memory.micro_batch: 32": {"memory": {"micro_batch": 32}},
    "memory.checkpoint_activations: true": {"memory": {"checkpoint_activations": True}},
    "both": {"memory": {"micro_batch": 32, "checkpoint_activations": True}},
    "optimizer: sgd": {"optimizer": {"name": "sgd"}},
    "ema.decay: 0.999": {"ema": {"decay": 0.999}},
}


def configuration(name: str, batch_size: int, width: int) -> TrialConfig:
    """Return the configuration of side `name`: AdamW on a ResNet-18."""
    return TrialConfig.model_validate(
        {
            "data": {"batch_size": batch_size},
            "model": {"name": "resnet", "depth": 18, "width": width},
            "optimizer": {"name": "adamw"},
            "precision": {"dtype": "fp32"},
            **SIDES[name],
        }
    )


def resident(field: str) -> float:
    """Return VmRSS (now) or VmHWM (peak) of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def child(name: str, batch_size: int, width: int) -> dict[str, float]:
    """Measure side `name` in this process.

    Memory in MiB and CPU seconds per step. The C library gives every freed tensor back at once; otherwise the figure
    would be of its heap. That takes time too, the same in every side.
    """
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**20)
    torch.set_num_threads(1)
    steps(configuration(name, 2, 4), 1)  # so that the libraries' own memory is not counted
    Path("/proc/self/clear_refs").write_text("5")  # begins the peak anew
    before = resident("VmRSS")
    seconds = steps(configuration(name, batch_size, width), STEPS)
    return {"mib": resident("VmHWM") - before, "step_s": min(seconds)}


def steps(config: TrialConfig, count: int) -> list[float]:
    """Time `count` training steps on a fresh model, in CPU seconds."""
    model = build_model(config.model, num_classes=CLASSES, in_channels=3, image_size=32)
    if config.memory.checkpoint_activations:
        checkpoint_activations(model)
    learner = Learner(config, model, torch.device("cpu"))
    images = torch.randn(config.data.batch_size, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(len(images)) % CLASSES
    seconds = []
    for _ in range(count):
        started = time.process_time()  # of one thread: a busy machine takes turns with it, and that is not its time
        learner.step(images, labels, lr=1e-3)
        seconds.append(time.process_time() - started)
    return seconds


def measure(options: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Measure `repeats` runs of every side, in turn."""
    runs_of: dict[str, list[dict[str, float]]] = {name: [] for name in SIDES}
    for _ in range(options.repeats):
        for name, runs in runs_of.items():
            runs.append(run_child(options, name))
    return runs_of


def run_child(options: argparse.Namespace, name: str) -> dict[str, float]:
    """Measure side `name` in a process of its own."""
    # this process has imported torch and computed nothing, so a fork is as good as a new one
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
        return process.submit(child, name, options.batch_size, options.width).result()


def main() -> None:
    parser = arguments("memory", __doc__.splitlines()[0], repeats=3)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--width", type=int, default=64)
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.batch_size, options.width = 1, 64, 8
    runs = measure(options)
    plain = runs["as it is"]
    rows = [
        {
            "": name,
            "MiB": figure([run["mib"] for run in own]).text(),
            "memory, share": ratio([r["mib"] for r in own], [r["mib"] for r in plain]).text(2),
            "CPU time of a step, share": ratio([r["step_s"] for r in own], [r["step_s"] for r in plain]).text(2),
        }
        for name, own in runs.items()
    ]
    title = (
        f"Memory of a training step, ResNet-18 of width {options.width}, batches of {options.batch_size}, one thread"
    )
    finish(options, f"{title}, medians (min-max)", rows, [], {"runs": runs})


if __name__ == "__main__":
    main()
