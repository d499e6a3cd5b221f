"""The half of a place that is on a node, without Ray: what it says, what it shares, and when it gives up."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from hpo.search.executors.base import Fault, Job, Shared
from hpo.search.executors.ray import node_worker
from hpo.search.executors.ray.messages import End, Files, Gone, Leaving, Start, Wish, Work, from_bytes, to_bytes
from hpo.search.executors.ray.node_worker import NodeWorker, Place
from hpo.search.executors.worker_process import Placement, Ready, Taken
from hpo.studies.shared_files.location import open_location
from hpo.training.config import TrialConfig
from hpo.training.report import EpochReport, Signal, Status, TrainResult

from ...warm.start import children_of


class Node:
    """A NodeWorker, and what it has said."""

    def __init__(self, folder: Path) -> None:
        (folder / "store").mkdir(parents=True)
        store = str(folder / "store")
        self.store = open_location(store)
        self.folder = folder / "node"
        place = Place(Placement(), self.folder, folder / "pack", store, "study-1", ("/there/models", "/here/models"))
        self.worker = NodeWorker(place)
        self.heard: list[tuple[int, object]] = []

    def post(self, order: Start | Work | Wish | End) -> None:
        self.worker.post(to_bytes(order))

    def until(self, *kinds: type) -> object:
        """Drain until something of one of these kinds is said; return it."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            new = [from_bytes(data) for data in self.worker.drain()]
            self.heard += new
            for _, message in new:
                if isinstance(message, kinds):
                    return message
        raise AssertionError(self.heard)

    def shared(self) -> list[Shared]:
        return [message for _, message in self.heard if isinstance(message, Shared)]

    def end(self) -> None:
        self.worker.post(to_bytes(Start(10**6)))  # ends the one before
        self.worker.post(to_bytes(End(10**6)))


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).with_name("light")), *sys.path])
    monkeypatch.setattr(node_worker, "DRAIN_S", 0.2)
    made = Node(tmp_path)
    yield made
    made.end()


@pytest.fixture
def job(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> Callable[..., Job]:
    def make(epochs: int = 3, generation: int = 1) -> Job:
        return Job(4, small_config(budget={"epochs": epochs}), tmp_path / "there", tmp_path / "pack", generation)

    return make


def workers() -> list[psutil.Process]:
    return children_of(psutil.Process().pid, "hpo.search.executors.worker")


def test_it_says_what_a_worker_says_and_shares_what_that_makes(node: Node, job: Callable[..., Job]) -> None:
    node.post(Start(1))
    node.post(Work(1, job()))
    result = node.until(TrainResult)
    assert isinstance(result, TrainResult)
    assert result.status is Status.FINISHED
    kinds = [type(message) for _, message in node.heard if not isinstance(message, Shared | Leaving | Files)]
    assert kinds == [Ready, Taken, EpochReport, EpochReport, EpochReport, TrainResult]
    assert {run for run, _ in node.heard} == {1}
    last = node.shared()[-1]
    assert (last.number, last.generation, last.checkpoint.epoch) == (4, 1, 3)
    order = [type(message) for _, message in node.heard]
    assert order.index(Shared) < order.index(TrainResult), "a trial points to its checkpoint before it leaves"
    assert not (node.folder / "4-1").exists()


def test_a_trial_goes_on_from_what_another_node_has_shared(node: Node, job: Callable[..., Job], tmp_path: Path) -> None:
    node.post(Start(1))
    node.post(Work(1, job(epochs=100_000)))
    while len(node.shared()) < 2:
        node.until(Shared)
    node.post(Wish(1, Signal.PAUSE))
    paused = node.until(TrainResult)
    assert isinstance(paused, TrainResult)
    assert paused.status is Status.PAUSED
    checkpoint = node.shared()[-1].checkpoint
    assert checkpoint.epoch == len(paused.history)
    node.post(Work(1, replace(job(epochs=len(paused.history) + 2, generation=2), checkpoint=checkpoint)))
    result = node.until(TrainResult)
    assert isinstance(result, TrainResult)
    assert [report.epoch for report in result.history] == list(range(1, len(paused.history) + 3))
    assert node.shared()[-1].checkpoint.generation == 2


def test_where_nobody_asks_for_long_what_trains_is_killed(
    node: Node, job: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_worker, "LEASE_S", 1.0)
    node.post(Start(1))
    node.post(Work(1, job(epochs=100_000)))
    node.until(EpochReport)
    deadline = time.monotonic() + 20
    while workers() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert workers() == []
    gone = node.until(Gone)
    assert isinstance(gone, Gone)
    assert gone.fault is Fault.NODE


def test_one_that_dies_is_told_with_its_last_checkpoint_and_the_next_starts(
    node: Node, job: Callable[..., Job]
) -> None:
    node.post(Start(1))
    node.post(Work(1, job(epochs=100_000)))
    node.until(EpochReport)
    (worker,) = workers()
    worker.kill()
    gone = node.until(Gone)
    assert gone == Gone("killed by SIGKILL", Fault.MEMORY)
    reported = max(message.epoch for _, message in node.heard if isinstance(message, EpochReport))
    assert node.shared()[-1].checkpoint.epoch >= reported - 1
    node.post(Start(2))
    node.post(Work(2, job(generation=2)))
    assert isinstance(node.until(TrainResult), TrainResult)
    assert node.heard[-1][0] == 2
