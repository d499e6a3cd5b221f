"""The default executor: worker processes on this machine that live for the whole run."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from .registry import EXECUTORS
from .slots import Slot, SlotExecutor
from .worker_process import Placement, WorkerProcess


class ProcessExecutor(SlotExecutor):
    """Runs one job per worker process.

    `placements` says where each worker runs, `logs` is the folder for what they print.
    """

    def __init__(self, placements: Sequence[Placement], logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        super().__init__([_slot(placement, logs / f"worker-{i}.log") for i, placement in enumerate(placements)])
        for slot in self._slots:
            slot.worker = slot.start()

    @property
    def pids(self) -> dict[int, int]:
        """The worker process of each running trial: trial number -> pid."""
        working = [(slot.job, slot.worker) for slot in self._slots if slot.job]
        return {job.number: worker.pid for job, worker in working if isinstance(worker, WorkerProcess)}


def _slot(placement: Placement, log: Path) -> Slot:
    return Slot(partial(WorkerProcess, placement, log), placement.gpu, str(log))


EXECUTORS.add("process", ProcessExecutor)
