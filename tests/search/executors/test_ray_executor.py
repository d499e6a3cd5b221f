"""The executor on a Ray cluster: the contract, and what becomes of trials whose worker, node or head is gone."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hpo.search.executors.base import Busy, Ended, Event, Fault, Job, Lost, Reported, Resumed, Shared
from hpo.search.executors.ray.executor import RayExecutor
from hpo.search.executors.ray.node_check import NodeRequest, check_node
from hpo.studies.shared_files.checkpoint import Checkpoint
from hpo.training.config import TrialConfig
from hpo.training.report import Signal

from ...ray_cluster import RayCluster, ray_cluster
from ...ray_executors import executor_on, request_of
from .test_executor_contract import TestContract as TestContract  # on the `executor` of this module

LIGHT = str(Path(__file__).with_name("light"))
MakeJob = Callable[..., Job]
NOTES: list[str] = []
TRAINER = "hpo.search.executors.worker"


class Followed(RayExecutor):
    """One whose jobs go on from what was shared of them, as the loop's do."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.shared: dict[int, Checkpoint] = {}

    def submit(self, job: Job) -> None:
        super().submit(replace(job, checkpoint=self.shared.get(job.number)))

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        while events := super().next_events(timeout_s):
            shared = [event for event in events if isinstance(event, Shared)]
            self.shared |= {event.number: event.checkpoint for event in shared}
            if told := [event for event in events if not isinstance(event, Shared)]:
                return told
        return []

    def until_slots(self, count: int) -> None:
        """Wait until there are so many places."""
        deadline = time.monotonic() + 60
        while self.slots != count:
            assert time.monotonic() < deadline, f"{self.slots} places"
            self.next_events(0.1)
            time.sleep(0.05)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as made:
        made.start(cpus=1, path=[LIGHT])
        yield made


@pytest.fixture(scope="module")
def node_request(tmp_path_factory: pytest.TempPathFactory, small_config: Callable[..., TrialConfig]) -> NodeRequest:
    """What nodes are asked for: the digits, and a store."""
    return request_of(tmp_path_factory.mktemp("ray"), small_config())


@contextmanager
def running(cluster: RayCluster, node_request: NodeRequest, slots: int) -> Iterator[Followed]:
    """An executor on the cluster, once it has so many places."""
    with executor_on(cluster, node_request, Followed, NOTES.append) as made:
        made.until_slots(slots)
        yield made


@pytest.fixture(scope="module")
def started(cluster: RayCluster, node_request: NodeRequest) -> Iterator[Followed]:
    """An executor on a cluster of one place."""
    with running(cluster, node_request, 1) as made:
        yield made


@pytest.fixture
def executor(started: Followed) -> Iterator[Followed]:
    """The same one for every test, idle."""
    yield started
    running = [slot.job.number for slot in started._slots if slot.job]
    for number in running:
        started.signal(number, Signal.STOP, 30)
    for _ in running:
        until(started, Ended, Lost)
    started.shared.clear()


@pytest.fixture
def job(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> MakeJob:
    def make(number: int = 0, epochs: int = 3, generation: int = 1) -> Job:
        config = small_config(budget={"epochs": epochs})
        return Job(number, config, tmp_path / "trials" / str(number), tmp_path / "pack", generation)

    return make


def until(executor: Followed, *kinds: type, seen: list[Event] | None = None) -> list[Event]:
    """All events up to the first of a kind, and what came with it."""
    seen = [] if seen is None else seen
    deadline = time.monotonic() + 60
    while not any(isinstance(event, kinds) for event in seen):
        assert time.monotonic() < deadline, seen
        seen += [event for event in executor.next_events(1) if not isinstance(event, Busy | Resumed)]
    return seen


def test_a_worker_that_dies_is_lost_and_its_trial_goes_on_from_what_it_has_shared(
    executor: Followed, cluster: RayCluster, job: MakeJob
) -> None:
    executor.submit(job(epochs=100_000))
    while 0 not in executor.shared:
        until(executor, Reported)
    (trainer,) = cluster.processes(TRAINER)
    trainer.kill()
    lost = until(executor, Lost)[-1]
    assert isinstance(lost, Lost)
    assert (lost.reason, lost.fault) == ("killed by SIGKILL", Fault.MEMORY)
    done = executor.shared[0].epoch
    executor.submit(job(epochs=done + 3, generation=2))
    *reports, ended = until(executor, Ended)
    assert [event.report.epoch for event in reports if isinstance(event, Reported)] == [done + 1, done + 2, done + 3]
    assert isinstance(ended, Ended)
    assert len(ended.result.history) == done + 3


def test_an_actor_that_dies_costs_its_node_and_its_place_comes_back(
    executor: Followed, cluster: RayCluster, job: MakeJob
) -> None:
    executor.submit(job(epochs=100_000))
    until(executor, Reported)
    (actor,) = cluster.processes("ray::PlaceActor")
    actor.kill()
    lost = until(executor, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.fault is Fault.NODE
    assert "10.77.0.1 is gone: ActorDiedError" in lost.reason
    executor.until_slots(1)
    executor.submit(job(epochs=2, generation=2))
    assert isinstance(until(executor, Ended)[-1], Ended)


def test_a_driver_that_is_ended_is_started_again(executor: Followed, job: MakeJob) -> None:
    executor.submit(job(epochs=100_000))
    until(executor, Reported)
    psutil.Process(executor.driver_pid).kill()
    lost = until(executor, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.fault is Fault.NODE
    executor.until_slots(1)
    assert NOTES[-2:] == ["the Ray cluster does not answer; its trials wait for it", "the Ray cluster answers again"]
    executor.submit(job(epochs=2, generation=2))
    assert isinstance(until(executor, Ended)[-1], Ended)


def lose_one_of_two(executor: Followed, job: MakeJob, lose: Callable[[], object]) -> tuple[int, int]:
    """Run a trial in each of two places, lose one; return their numbers, the lost one's first."""
    for number in (0, 1):
        executor.submit(job(number, epochs=100_000))
    while executor.shared.keys() != {0, 1}:
        until(executor, Reported)
    lose()
    lost = until(executor, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.fault is Fault.NODE
    return lost.number, 1 - lost.number


def cut(cluster: RayCluster) -> Callable[[], object]:
    """Cut the wire to the second machine; return what mends it."""
    cluster.wire("down")
    return lambda: cluster.wire("up")


def freeze(cluster: RayCluster) -> Callable[[], object]:
    """Freeze Ray's own process on the second machine; return what thaws it."""
    (raylet,) = [each for each in cluster.processes("raylet/raylet") if cluster.is_on(1, each)]
    raylet.suspend()
    return raylet.resume


@pytest.mark.slow
@pytest.mark.parametrize("lose", [cut, freeze])
def test_a_node_that_is_cut_off_keeps_training_and_nothing_of_it_counts(
    node_request: NodeRequest, job: MakeJob, lose: Callable[[RayCluster], Callable[[], object]]
) -> None:
    with ray_cluster() as cluster:
        cluster.start(cpus=1, path=[LIGHT])
        cluster.start(machine=1, cpus=1, path=[LIGHT])
        with running(cluster, node_request, 2) as executor:
            mend: list[Callable[[], object]] = []
            lost, other = lose_one_of_two(executor, job, lambda: mend.append(lose(cluster)))
            shared = executor.shared[lost]
            assert len(cluster.processes(TRAINER)) == 2, "the one that is cut off goes on"
            executor.signal(other, Signal.STOP, 60)
            until(executor, Ended)
            executor.submit(job(lost, epochs=100_000, generation=2))
            mend[0]()
            seen: list[Event] = []
            deadline = time.monotonic() + 100
            while len(cluster.processes(TRAINER)) != 1:
                assert time.monotonic() < deadline, "it trains on"
                seen += executor.next_events(0.5)
            seen = until(executor, Reported, seen=seen)
            reports = [event for event in seen if isinstance(event, Reported)]
            assert {event.generation for event in reports} == {2}
            assert shared.epoch < reports[0].report.epoch <= shared.epoch + 2
            while executor.shared[lost].generation == 1:
                seen += until(executor, Reported)
            assert not any(isinstance(event, Lost) for event in seen)


@pytest.mark.slow
def test_five_nodes_die_and_a_trial_finishes(node_request: NodeRequest, job: MakeJob) -> None:
    with ray_cluster() as cluster:
        cluster.start(cpus=0)
        with running(cluster, node_request, 0) as executor:
            done = 0
            for generation in range(1, 6):
                node = cluster.start(machine=1, cpus=1, path=[LIGHT])
                executor.until_slots(1)
                executor.submit(job(epochs=100_000, generation=generation))
                while 0 not in executor.shared or executor.shared[0].epoch < done + 3:
                    until(executor, Reported)
                cluster.kill(node)
                lost = until(executor, Lost)[-1]
                assert isinstance(lost, Lost)
                assert lost.fault is Fault.NODE
                done = executor.shared[0].epoch
                executor.until_slots(0)
            cluster.start(machine=1, cpus=1, path=[LIGHT])
            executor.until_slots(1)
            executor.submit(job(epochs=done + 2, generation=6))
            ended = until(executor, Ended)[-1]
            assert isinstance(ended, Ended)
            assert [report.epoch for report in ended.result.history] == list(range(1, done + 3))


@pytest.mark.slow
def test_a_head_that_is_killed_and_started_again(node_request: NodeRequest, job: MakeJob) -> None:
    with ray_cluster() as cluster:
        cluster.start(cpus=1, path=[LIGHT])
        with running(cluster, node_request, 1) as executor:
            executor.submit(job(epochs=100_000))
            while 0 not in executor.shared:
                until(executor, Reported)
            cluster.kill_head()
            lost = until(executor, Lost)[-1]
            assert isinstance(lost, Lost)
            assert lost.fault is Fault.NODE
            executor.until_slots(0)
            cluster.start(cpus=1, path=[LIGHT])
            executor.until_slots(1)
            done = executor.shared[0].epoch
            executor.submit(job(epochs=done + 2, generation=2))
            assert isinstance(until(executor, Ended)[-1], Ended)


@pytest.mark.slow
def test_a_node_that_cannot_read_what_is_shared_is_named_and_not_used(node_request: NodeRequest) -> None:
    with ray_cluster() as cluster:
        cluster.start(cpus=1, path=[LIGHT])
        with running(cluster, node_request, 1) as executor:
            store = Path(node_request.location)
            cluster.start(machine=1, cpus=1, path=[LIGHT], without=store)
            told = f"node 10.77.0.2: {store}: {node_request.probe.key} cannot be read: "
            deadline = time.monotonic() + 60
            while not any(note.startswith(told) and note.endswith("; it is not used") for note in NOTES):
                assert time.monotonic() < deadline, NOTES[-3:]
                executor.next_events(0.1)
                time.sleep(0.1)
            assert executor.slots == 1


def test_a_node_with_another_version_cannot_be_used(node_request: NodeRequest) -> None:
    wanted = {**node_request.versions, "torch": "0.4.1"}
    report = check_node(replace(node_request, versions=wanted))
    assert report.problem == f"it has torch {node_request.versions['torch']}, the coordinator 0.4.1"
