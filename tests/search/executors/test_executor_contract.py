"""One contract, every executor: the inline one trains on digits, the simulated one replays curves.

Worker processes train without torch (light/), but for the tests of what a real training brings; two of these
start cold.
"""

import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from weakref import WeakKeyDictionary

import psutil
import pytest
import torch
from hpo.common.children import ENDING
from hpo.errors import TrainingError
from hpo.search.executors.base import (
    Blocked,
    Busy,
    Crashed,
    Ended,
    Event,
    Executor,
    Fault,
    Job,
    Lost,
    Reported,
    Resumed,
)
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.inline import InlineExecutor
from hpo.search.executors.process import ProcessExecutor
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.executors.slots import STARTUP_FAILURES, WAITING
from hpo.search.executors.worker_process import Placement
from hpo.training.config import TrialConfig
from hpo.training.report import Activity, EpochReport, Signal, Status

from ...warm.start import children_of

MakeJob = Callable[..., Job]


@pytest.fixture
def job(tmp_path: Path, digits_pack: Path, small_config: Callable[..., TrialConfig]) -> MakeJob:
    def make(number: int = 0, epochs: int = 3, **sections: object) -> Job:
        config = small_config(budget={"epochs": epochs}, **sections)
        return Job(number, config, tmp_path / "trials" / str(number), digits_pack)

    return make


def rising_curve(job: Job) -> list[EpochReport]:
    epochs = range(1, job.config.budget.epochs + 1)
    return [EpochReport(e, {"val_accuracy": 1 - 1 / (e + 1), "train_loss": 1 / e}, elapsed_s=10.0 * e) for e in epochs]


def make_executor(kind: str, tmp_path: Path) -> Executor:
    if kind == "inline":
        return InlineExecutor()
    if kind == "process":
        return ProcessExecutor([Placement(threads=1)], tmp_path / "logs")
    return SimulatedExecutor(rising_curve, slots=1, clock=VirtualClock())


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that start from now on train without torch."""
    monkeypatch.setattr(sys, "path", [str(Path(__file__).with_name("light")), *sys.path])


@pytest.fixture(params=["inline", "process", "simulated"])
def executor(request: pytest.FixtureRequest, tmp_path: Path, light: None) -> Iterator[Executor]:
    with make_executor(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[ProcessExecutor]:
    with ProcessExecutor([Placement(threads=1)], tmp_path / "logs") as made:
        yield made


UNREAD: "WeakKeyDictionary[Executor, deque[Event]]" = WeakKeyDictionary()


def next_word(executor: Executor) -> Event | None:
    """The next event, None where nothing runs; those that came with it are kept for later."""
    unread = UNREAD.setdefault(executor, deque())
    if not unread:
        unread.extend(executor.next_events(60))
    return unread.popleft() if unread else None


def next_event(executor: Executor) -> Event | None:
    """The next event but for what is only shown, and what was before."""
    while isinstance(event := next_word(executor), Busy | Resumed):
        pass
    return event


def events_until_end(executor: Executor) -> list[Event]:
    seen: list[Event] = []
    while not seen or isinstance(seen[-1], Reported):
        event = next_event(executor)
        assert event is not None, "nothing happened for 60 s"
        seen.append(event)
    return seen


class TestContract:
    def test_reports_every_epoch_then_the_result(self, executor: Executor, job: MakeJob) -> None:
        executor.submit(job(epochs=3))
        *reports, end = events_until_end(executor)
        assert [e.report.epoch for e in reports if isinstance(e, Reported)] == [1, 2, 3]
        assert isinstance(end, Ended)
        assert end.result.status is Status.FINISHED
        assert [r.epoch for r in end.result.history] == [1, 2, 3]
        assert end.result.best is not None

    def test_runs_one_job_after_another(self, executor: Executor, job: MakeJob) -> None:
        for number in (4, 5):
            executor.submit(job(number, epochs=1))
            assert {e.number for e in events_until_end(executor)} == {number}

    def test_stop_ends_early(self, executor: Executor, job: MakeJob) -> None:
        executor.submit(job(epochs=200))
        assert isinstance(next_event(executor), Reported)
        executor.signal(0, Signal.STOP, 60)
        end = events_until_end(executor)[-1]
        assert isinstance(end, Ended)
        assert end.result.status is Status.STOPPED
        assert 1 <= len(end.result.history) < 200

    def test_a_paused_job_goes_on_when_submitted_again(self, executor: Executor, job: MakeJob) -> None:
        executor.submit(job(epochs=30))
        assert isinstance(next_event(executor), Reported)
        executor.signal(0, Signal.PAUSE, 60)
        end = events_until_end(executor)[-1]
        assert isinstance(end, Ended)
        assert end.result.status is Status.PAUSED
        done = len(end.result.history)
        executor.submit(job(epochs=30))
        while isinstance(event := next_word(executor), Busy):
            pass
        assert isinstance(event, Resumed)
        assert [report.epoch for report in event.history] == list(range(1, done + 1))
        *reports, end = events_until_end(executor)
        assert [e.report.epoch for e in reports if isinstance(e, Reported)] == list(range(done + 1, 31))
        assert isinstance(end, Ended)
        assert len(end.result.history) == 30

    def test_a_signal_for_another_trial_is_dropped(self, executor: Executor, job: MakeJob) -> None:
        executor.signal(7, Signal.STOP, 60)
        executor.submit(job(7, epochs=2))
        executor.signal(3, Signal.STOP, 60)
        executor.signal(3, Signal.PAUSE, 60)
        end = events_until_end(executor)[-1]
        assert isinstance(end, Ended)
        assert end.result.status is Status.FINISHED

    def test_a_job_too_many_is_refused(self, executor: Executor, job: MakeJob) -> None:
        executor.submit(job(0, epochs=50))
        with pytest.raises(RuntimeError, match="free slot"):
            executor.submit(job(1))

    def test_idle_means_no_event_at_once(self, executor: Executor) -> None:
        assert next_event(executor) is None


SLOW_MODEL = """
import time
from torch import nn

class Net(nn.Module):
    def __init__(self, num_classes, in_channels):
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))

    def forward(self, images):
        time.sleep(0.2)
        return self.net(images)
"""
BROKEN_MODEL = "def Net(num_classes, in_channels):\n    raise RuntimeError('no such layer')\n"


@pytest.mark.usefixtures("warm_children")
@pytest.mark.parametrize("kind", ["inline", "process"])
class TestCrashes:
    def test_an_exception_is_an_event(self, kind: str, tmp_path: Path, job: MakeJob) -> None:
        model = tmp_path / "broken.py"
        model.write_text(BROKEN_MODEL)
        with make_executor(kind, tmp_path) as executor:
            executor.submit(job(0, model={"name": f"{model}:Net"}))
            event = next_event(executor)
            assert isinstance(event, Crashed)
            assert "no such layer" in event.error
            assert "broken.py" in event.traceback


def test_data_that_are_gone_are_not_the_trials_fault(tmp_path: Path, job: MakeJob) -> None:
    with InlineExecutor() as executor:
        executor.submit(replace(job(), pack=tmp_path / "gone"))
        blocked = next_event(executor)
        assert isinstance(blocked, Blocked)
        assert f"{tmp_path}/gone is not a usable pack" in blocked.reason


def test_what_this_process_computed_before_changes_no_number(job: MakeJob) -> None:
    losses = []
    for before in (2, 1):
        torch.set_num_threads(before)
        with InlineExecutor(threads=1) as executor:
            executor.submit(job(before, epochs=1))
            reported = next_event(executor)
        assert isinstance(reported, Reported)
        assert torch.get_num_threads() == 1
        losses.append(reported.report.metrics["train_loss"])
    assert losses[0] == losses[1]


def workers() -> list[psutil.Process]:
    """The worker processes of this one."""
    return children_of(os.getpid(), "hpo.search.executors.worker")


def signal_all(pid: int) -> None:
    for number in ENDING:
        os.kill(pid, number)


class TestWorkers:
    def test_a_real_training_keeps_the_contract(self, processes: ProcessExecutor, job: MakeJob) -> None:
        TestContract().test_reports_every_epoch_then_the_result(processes, job)
        TestContract().test_stop_ends_early(processes, job)

    @pytest.mark.slow
    @pytest.mark.usefixtures("warm_children")
    def test_a_killed_worker_is_lost_and_its_trial_goes_on_from_the_checkpoint(
        self, processes: ProcessExecutor, job: MakeJob
    ) -> None:
        processes.submit(job(epochs=40))
        for _ in range(3):
            assert isinstance(next_event(processes), Reported)
        os.kill(processes.pids[0], signal.SIGKILL)
        lost = events_until_end(processes)[-1]
        assert isinstance(lost, Lost)
        assert "SIGKILL" in lost.reason
        processes.submit(job(epochs=40))
        *reports, end = events_until_end(processes)
        first = reports[0]
        assert isinstance(first, Reported)
        assert first.report.epoch > 1
        assert isinstance(end, Ended)
        assert [r.epoch for r in end.result.history] == list(range(1, 41))

    @pytest.mark.usefixtures("light")
    def test_what_asks_the_program_to_end_ends_no_worker(self, processes: ProcessExecutor, job: MakeJob) -> None:
        """Ctrl-C, and what systemd and Slurm send to all processes: while a worker starts as well as later."""
        processes.submit(job(epochs=3))
        signal_all(processes.pids[0])
        assert isinstance(next_event(processes), Reported)
        signal_all(processes.pids[0])
        assert isinstance(events_until_end(processes)[-1], Ended)

    @pytest.mark.usefixtures("light")
    def test_a_job_that_is_to_be_alone_has_its_card_for_itself(self, tmp_path: Path, job: MakeJob) -> None:
        with ProcessExecutor([Placement(gpu="0"), Placement(gpu="0")], tmp_path / "logs") as executor:
            executor.submit(job(0, epochs=100_000))
            assert isinstance(next_event(executor), Reported)
            executor.submit(replace(job(1, epochs=3), alone=True))
            waiting = [event for event in executor.next_events(0.3) if event.number == 1]
            while not waiting:
                waiting = [event for event in executor.next_events(0.3) if event.number == 1]
            assert all(isinstance(event, Busy) and event.activity == WAITING for event in waiting)
            executor.signal(0, Signal.STOP, 60)
            order: list[tuple[int, type[Event]]] = []
            while len([kind for _, kind in order if kind is Ended]) < 3:
                for event in executor.next_events(60):
                    if isinstance(event, Reported | Ended):
                        order.append((event.number, type(event)))
                    if (event.number, type(event)) == (0, Ended):
                        executor.submit(job(2, epochs=2))  # a place is free, and the card is not
            numbers = [number for number, _ in order if number]
            assert numbers == [1] * 4 + [2] * 3

    @pytest.mark.usefixtures("light")
    def test_a_job_that_waits_for_its_card_is_paused_at_once(self, tmp_path: Path, job: MakeJob) -> None:
        with ProcessExecutor([Placement(gpu="0"), Placement(gpu="0")], tmp_path / "logs") as executor:
            executor.submit(job(0, epochs=100_000))
            assert isinstance(next_event(executor), Reported)
            executor.submit(replace(job(1), alone=True))
            executor.signal(1, Signal.PAUSE, 60)
            ended = [event for event in executor.next_events(60) if event.number == 1]
            assert [event.result.status for event in ended if isinstance(event, Ended)] == [Status.PAUSED]

    @pytest.mark.usefixtures("light")
    def test_cards_are_apart(self, tmp_path: Path, job: MakeJob) -> None:
        with ProcessExecutor([Placement(gpu="0"), Placement(gpu="1")], tmp_path / "logs") as executor:
            executor.submit(job(0, epochs=100_000))
            executor.submit(replace(job(1, epochs=2), alone=True))
            while not any(isinstance(event, Ended) for event in executor.next_events(60)):
                pass

    @pytest.mark.usefixtures("light")
    def test_data_that_cannot_be_read_any_more_are_the_machines_fault(
        self, processes: ProcessExecutor, job: MakeJob
    ) -> None:
        processes.submit(job(epochs=100_000))
        assert isinstance(next_event(processes), Reported)
        os.kill(processes.pids[0], signal.SIGBUS)  # as the kernel does where a mapped file has become shorter
        lost = events_until_end(processes)[-1]
        assert isinstance(lost, Lost)
        assert (lost.fault, lost.reason) == (Fault.MACHINE, "killed by SIGBUS: the data cannot be read any more")

    @pytest.mark.usefixtures("light")
    def test_a_job_that_has_not_begun_is_paused_at_once(self, processes: ProcessExecutor, job: MakeJob) -> None:
        processes.submit(job(epochs=2))
        processes.signal(0, Signal.PAUSE, 60)
        paused = next_event(processes)
        assert isinstance(paused, Ended)
        assert (paused.result.status, paused.result.history) == (Status.PAUSED, ())
        assert workers() == []
        processes.submit(job(epochs=2))
        assert isinstance(events_until_end(processes)[-1], Ended)

    @pytest.mark.usefixtures("warm_children")
    def test_a_full_disk_is_not_the_trials_fault(self, processes: ProcessExecutor, job: MakeJob) -> None:
        processes.submit(job(0, epochs=1))
        events_until_end(processes)
        (worker,) = workers()
        worker.rlimit(psutil.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))  # no file can grow: the kernel refuses it
        processes.submit(job(1, epochs=200))
        blocked = events_until_end(processes)[-1]
        assert isinstance(blocked, Blocked)
        assert "File too large" in blocked.reason
        worker.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        processes.submit(job(1, epochs=2))
        assert isinstance(events_until_end(processes)[-1], Ended)

    @pytest.mark.slow
    @pytest.mark.usefixtures("warm_children")
    def test_a_broken_driver_costs_the_worker_and_not_the_trial(
        self, tmp_path: Path, processes: ProcessExecutor, job: MakeJob
    ) -> None:
        model = tmp_path / "net.py"
        model.write_text(
            "def Net(num_classes, in_channels):\n"
            "    raise RuntimeError('CUDA error: unspecified launch failure\\nhints')\n"
        )
        processes.submit(job(0, model={"name": f"{model}:Net"}))
        lost = next_event(processes)
        assert isinstance(lost, Lost)
        assert lost.reason.endswith("net.py:2: RuntimeError: CUDA error: unspecified launch failure")
        assert workers() == []
        processes.submit(job(1, epochs=1))
        assert isinstance(events_until_end(processes)[-1], Ended)
        assert "line 2, in Net" in (tmp_path / "logs" / "worker-0.log").read_text()

    def test_it_says_what_it_is_busy_with_and_how_far_an_epoch_is(
        self, tmp_path: Path, processes: ProcessExecutor, job: MakeJob
    ) -> None:
        model = tmp_path / "net.py"
        model.write_text(SLOW_MODEL)
        processes.submit(job(epochs=1, model={"name": f"{model}:Net"}))
        told: list[Activity] = []
        while isinstance(event := next_word(processes), Busy):
            told.append(event.activity)
        assert isinstance(event, Reported)
        words = list(dict.fromkeys(activity.words for activity in told))
        assert words[:4] == ["importing torch", "building the model", "loading the data", "training"]
        steps = [activity.done for activity in told if activity.words == "training"]
        assert steps == sorted(set(steps))
        assert {(activity.epoch, activity.total) for activity in told if activity.total} == {(1, 12)}

    @pytest.mark.usefixtures("light")
    def test_close_leaves_no_process(self, tmp_path: Path, job: MakeJob) -> None:
        with ProcessExecutor([Placement(), Placement()], tmp_path / "logs") as executor:
            executor.submit(job(epochs=1000))
            assert isinstance(next_event(executor), Reported)
            started = workers()
            assert len(started) == 2
        assert not any(worker.is_running() for worker in started)

    def test_a_worker_that_cannot_start_is_told_with_its_last_words(
        self, tmp_path: Path, job: MakeJob, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shadow = tmp_path / "path" / "torch"
        shadow.mkdir(parents=True)
        (shadow / "__init__.py").write_text("raise ImportError('libcuda is broken')")
        monkeypatch.setattr(sys, "path", [str(shadow.parent), *sys.path])
        with ProcessExecutor([Placement()], tmp_path / "logs") as executor:
            for _ in range(STARTUP_FAILURES - 1):
                executor.submit(job())
                assert isinstance(next_event(executor), Lost)
            executor.submit(job())
            with pytest.raises(TrainingError, match="libcuda is broken"):
                next_event(executor)
