"""A card that another process fills; one JSON object.

A trial that has no room beside it must have no verdict, and must finish once it has the card for itself.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hpo.search.executors.base import Busy, Ended, Job, Reported
from hpo.search.executors.process import ProcessExecutor
from hpo.search.executors.slots import WAITING
from hpo.search.executors.worker_process import Placement
from hpo.training.config import TrialConfig
from hpo.training.data.prepare import prepare
from hpo.training.models.source import name_model
from hpo.training.report import Signal, Status, TrainResult

LEFT_BYTES, NEEDED_BYTES = 3 * 2**30, 6 * 2**30
NEIGHBOUR = f"""
import sys, torch
held = torch.empty(torch.cuda.mem_get_info()[0] - {LEFT_BYTES}, dtype=torch.uint8, device="cuda")
print("held", flush=True)
sys.stdin.read()
"""
MODEL = f"""
import torch
from torch import nn

class Net(nn.Linear):
    def __init__(self, num_classes, in_channels):
        super().__init__(64, num_classes)

    def forward(self, images):
        torch.empty({NEEDED_BYTES}, dtype=torch.uint8, device=images.device)
        return super().forward(images.flatten(1))
"""


def main() -> None:
    """Crowd a trial out, try it again alone, print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", required=True)
    options = parser.parse_args()
    if not options.device.startswith("cuda"):
        print(json.dumps({"skipped": "a CPU has no memory of its own that others could fill"}))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "net.py").write_text(MODEL)
        card = options.device.partition(":")[2] or "0"
        with ProcessExecutor([Placement("cuda", 2, card)] * 2, folder / "logs") as executor:
            crowded, alone, waited = try_twice(executor, folder)
    print(json.dumps({"beside": crowded.status, "message": crowded.message, "alone": alone.status, "waited": waited}))
    if (crowded.status, alone.status, waited) != (Status.CROWDED, Status.FINISHED, True):
        raise SystemExit("it must be crowded out, wait for the card, and finish there alone")


def try_twice(executor: ProcessExecutor, folder: Path) -> tuple[TrainResult, TrainResult, bool]:
    """The results of a large trial beside a neighbour and alone, and whether it waited to be alone."""
    tree = {"data": {"source": "digits"}, "optimizer": {"name": "sgd", "lr": 0.1}, "budget": {"epochs": 1}}
    large = TrialConfig.model_validate({**tree, "model": {"name": f"{folder}/net.py:Net"}})
    name_model(large.model)
    small = TrialConfig.model_validate({**tree, "model": {"name": "simple_cnn"}, "budget": {"epochs": 10_000}})
    pack = prepare(large.data, cache=folder / "cache").path
    job = Job(0, large, folder / "0", pack)
    with subprocess.Popen([sys.executable, "-c", NEIGHBOUR], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as held:
        assert held.stdout is not None
        held.stdout.readline()
        executor.submit(job)
        crowded = _result(executor, 0)
        held.communicate()
    executor.submit(Job(1, small, folder / "1", pack))
    while not any(isinstance(event, Reported) for event in executor.next_events(60)):
        pass
    executor.submit(replace(job, alone=True))
    events = [event for event in executor.next_events(60) if event.number == 0]
    waited = bool(events) and all(isinstance(event, Busy) and event.activity == WAITING for event in events)
    executor.signal(1, Signal.STOP, 60)
    return crowded, _result(executor, 0), waited


def _result(executor: ProcessExecutor, number: int) -> TrainResult:
    while True:
        for event in executor.next_events(60):
            if event.number == number and not isinstance(event, Busy | Reported):
                if isinstance(event, Ended):
                    return event.result
                raise SystemExit(f"trial {number}: {event}")


if __name__ == "__main__":
    main()
