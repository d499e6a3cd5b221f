"""The half of a place that is on its node: a worker process, and the checkpoints of its trial.

It knows nothing of Ray. A thread listens to the worker and to the coordinator, which posts orders and drains what
there is to say. Each training has a folder of its own below `folder`, by trial and generation, so that one which was
given up and goes on elsewhere is nobody's neighbour; what it makes leaves the folder by the store alone. Where nobody
has drained for LEASE_S, the coordinator is cut off, or gone: what trains is killed, since somebody else has its trial
by then.
"""

import os
import shutil
import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from pathlib import Path
from queue import Empty, SimpleQueue

from ....errors import StudyError
from ....studies.shared_files.checkpoint import TrialStore
from ....studies.shared_files.location import open_location
from ....training.checkpoints.training_folder import CONFIG, RESULT
from ....training.config import TrialConfig
from ....training.report import Activity, Status, TrainResult
from ..base import Blocked, Crashed, Fault, Job, Lost, Shared
from ..worker_process import Placement, WorkerProcess
from .messages import End, Files, Gone, Leaving, Order, Start, Unfetched, Wish, Work, from_bytes, to_bytes
from .node_folder import hold
from .uploads import Uploads

DRAIN_S = 5.0
"""How long a drain waits for something to be said: it is also the sign of life of both sides."""
LEASE_S = 60.0
"""How long nobody may drain: Ray itself takes as long to tell that a node is cut off."""
TURN_S = 0.5  # how often the folder of a trial is looked into
SHARED_WITHIN_S = 600.0
"""How long a trial that has left waits for its last checkpoint to arrive, as SharedCheckpoints does."""
RECORDS = frozenset({CONFIG, RESULT})
"""What a training leaves in its folder for people and for other commands, beside its checkpoints."""
FETCHING = Activity("fetching its checkpoint")
_GOES_ON = frozenset({Status.PAUSED, Status.CROWDED, Status.FINISHED})  # or its weights are wanted


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker is: its device, its `folder`, the `pack` there, the store and the study's prefix in it.

    `models` is the folder of users' models as jobs have it, and as it is here.
    """

    placement: Placement
    folder: Path
    pack: Path
    location: str
    prefix: str
    models: tuple[str, str]


@dataclass(slots=True)
class _Trial:
    """The trial in the place: its job as it is here, the uploads of its folder, and its last word, held back."""

    job: Job
    uploads: Uploads
    last: object = None


class NodeWorker:
    """One worker at a time; its methods may be called in any thread."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._store = open_location(place.location)
        self._orders: SimpleQueue[Order] = SimpleQueue()
        self._said: deque[bytes] = deque()
        self._spoke = threading.Condition()
        self._drained = time.monotonic()
        self._wake, self._waker = os.pipe()
        self._run = 0
        self._worker: WorkerProcess | None = None
        self._trial: _Trial | None = None
        place.folder.mkdir(parents=True, exist_ok=True)
        self._lock = hold(place.folder.parent)
        threading.Thread(target=self._serve, name="worker of a place", daemon=True).start()

    def post(self, order: bytes) -> None:
        """Take an order."""
        self._orders.put(from_bytes(order))
        os.write(self._waker, b"!")

    def drain(self) -> list[bytes]:
        """Return what there is to say, after DRAIN_S at the latest."""
        with self._spoke:
            self._drained = time.monotonic()
            self._spoke.wait_for(lambda: self._said, DRAIN_S)
            self._drained = time.monotonic()
            said = list(self._said)
            self._said.clear()
            return said

    def leave(self) -> None:
        """End the worker, which writes nothing any more."""
        if (worker := self._worker) is not None:
            worker.kill()

    def _say(self, message: object) -> None:
        data = to_bytes((self._run, message))
        with self._spoke:
            self._said.append(data)
            self._spoke.notify()

    def _serve(self) -> None:
        """Follow orders and the worker, for ever."""
        # the kernel ends a worker with the thread that started it: that is this one, which ends with its process
        while True:
            worker = self._worker
            readable = wait([self._wake, *([worker.connection] if worker else [])], TURN_S)
            if self._wake in readable:
                os.read(self._wake, 4096)
            self._follow_orders()
            if (worker := self._worker) is not None:
                self._listen(worker)
            if self._trial is not None:
                self._share(self._trial)
            if self._worker is not None and time.monotonic() - self._drained > LEASE_S:
                self._end()
                self._say(Gone(f"nobody asked for its reports for {LEASE_S:.0f} s", Fault.NODE))

    def _follow_orders(self) -> None:
        while True:
            try:
                order = self._orders.get_nowait()
            except Empty:
                return
            if isinstance(order, Start):
                self._end()
                self._run = order.run
                self._worker = WorkerProcess(self._place.placement, self._log)
            elif order.run == self._run and self._worker is not None:
                self._obey(order, self._worker)

    def _obey(self, order: Work | Wish | End, worker: WorkerProcess) -> None:
        match order:
            case Work(_, job):
                self._begin(job, worker)
            case Wish(_, signal):
                worker.send(signal)
            case End():
                self._end()

    def _begin(self, job: Job, worker: WorkerProcess) -> None:
        directory = self._place.folder / f"{job.number}-{job.generation}"
        directory.mkdir(parents=True, exist_ok=True)
        store = TrialStore(self._store, self._place.prefix, job.number)
        uploads = Uploads(store, directory, job.generation, job.checkpoint)
        if job.checkpoint is not None:
            self._say(FETCHING)
            try:
                uploads.fetch()
            except StudyError as error:
                self._say(Unfetched(job.number, str(error)))
        here = replace(job, directory=directory, pack=self._place.pack, config=self._here(job.config), checkpoint=None)
        self._trial = _Trial(here, uploads)
        worker.send(here)

    def _here(self, config: TrialConfig) -> TrialConfig:
        """A configuration whose model is this node's copy."""
        there, here = self._place.models
        name = str(config.model.name)
        if not name.startswith(f"{there}/"):
            return config
        model = config.model.model_copy(update={"name": here + name.removeprefix(there)})
        return config.model_copy(update={"model": model})

    def _listen(self, worker: WorkerProcess) -> None:
        try:
            for message in worker.messages():
                if isinstance(message, TrainResult | Crashed | Blocked | Lost):
                    self._hold_back(message)
                else:
                    self._say(message)
        except (EOFError, OSError):
            reason, fault = worker.reap()
            self._worker = None
            self._hold_back(Gone(reason, fault))

    def _hold_back(self, last: object) -> None:
        """Say the last word on a trial once its last checkpoint is shared, where it is wanted."""
        trial = self._trial
        if trial is None:
            self._say(last)
            return
        trial.last = last
        goes_on = last.status in _GOES_ON if isinstance(last, TrainResult) else not isinstance(last, Crashed)
        trial.uploads.hurry(SHARED_WITHIN_S if goes_on else 0.0)
        if goes_on:
            self._say(Leaving())

    def _share(self, trial: _Trial) -> None:
        if (arrived := trial.uploads.turn()) is not None:
            self._say(Shared(trial.job.number, trial.job.generation, arrived))
        if trial.last is not None and trial.uploads.done:
            self._trial = None
            self._say(Files(self._files(trial.job.directory)))
            shutil.rmtree(trial.job.directory, ignore_errors=True)
            self._say(trial.last)

    def _files(self, directory: Path) -> dict[str, bytes]:
        """The small files in a folder, with the models' folder that the coordinator knows."""
        there, here = (folder.encode() for folder in self._place.models)
        paths = [directory / name for name in RECORDS]
        return {path.name: path.read_bytes().replace(here, there) for path in paths if path.is_file()}

    def _end(self) -> None:
        """Kill the worker; its trial is somebody else's."""
        if self._worker is not None:
            self._worker.end()
            self._worker = None
        if self._trial is not None:
            shutil.rmtree(self._trial.job.directory, ignore_errors=True)
            self._trial = None

    @property
    def _log(self) -> Path:
        return self._place.folder / "worker.log"


def placement(cpus: float, gpus: float) -> Placement:
    """The placement of a worker with so many CPUs and GPUs; Ray says in its actor which these are."""
    return Placement("cuda" if gpus else "cpu", max(1, int(cpus)))
