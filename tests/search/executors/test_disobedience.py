"""Worker processes that hang, die or break: who is blamed, and that the next job finds a sound one.

They train without torch (light/).
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hpo.search.executors.base import Busy, Crashed, Ended, Event, Fault, Job, Lost, Reported, Resumed
from hpo.search.executors.kernel import oom_kills
from hpo.search.executors.process import ProcessExecutor
from hpo.search.executors.worker_process import Placement
from hpo.training.config import TrialConfig
from hpo.training.report import Signal, Status


@pytest.fixture
def executor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessExecutor]:
    monkeypatch.setattr(sys, "path", [str(Path(__file__).with_name("light")), *sys.path])
    with ProcessExecutor([Placement()], tmp_path / "logs") as made:
        yield made


@pytest.fixture
def job(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> Callable[..., Job]:
    def make(number: int = 0, epochs: int = 1, generation: int = 7) -> Job:
        config = small_config(budget={"epochs": epochs})
        return Job(number, config, tmp_path / str(number), tmp_path / "pack", generation)

    return make


def events(executor: ProcessExecutor, last: type[Event]) -> list[Event]:
    """All events up to the first of a kind, and what came with it."""
    seen: list[Event] = []
    while not any(isinstance(event, last) for event in seen):
        came = executor.next_events(30)
        assert came, "nothing happened for 30 s"
        seen += [event for event in came if not isinstance(event, Busy | Resumed)]
    return seen


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "hpo.search.executors.worker" in child.cmdline()]


@pytest.mark.parametrize("wish", [Signal.PAUSE, Signal.STOP])
def test_a_worker_that_does_not_obey_in_time_is_killed_and_its_trial_goes_on(
    executor: ProcessExecutor, job: Callable[..., Job], wish: Signal
) -> None:
    executor.submit(job(epochs=2000))
    before = [event.report.epoch for event in events(executor, Reported) if isinstance(event, Reported)]
    os.kill(executor.pids[0], signal.SIGSTOP)  # as in a driver or a network disk that does not answer
    executor.signal(0, wish, within_s=0.05)
    *said, lost = events(executor, Lost)
    assert isinstance(lost, Lost)
    assert (lost.generation, lost.fault) == (7, Fault.MACHINE)
    assert workers() == []
    assert executor.next_events(0) == []
    before += [event.report.epoch for event in said if isinstance(event, Reported)]
    assert before == list(range(1, len(before) + 1)), "what it said before it was killed counts"
    executor.submit(job(epochs=len(before) + 5, generation=8))
    ended = events(executor, Ended)[-1]
    assert isinstance(ended, Ended)
    assert (ended.generation, ended.result.status) == (8, Status.FINISHED)


def test_a_worker_that_hangs_as_it_starts_is_lost_as_any_other(
    executor: ProcessExecutor, job: Callable[..., Job]
) -> None:
    """Taken back as one that is only slow, it would be started again and again."""
    executor.submit(job())
    executor.signal(0, Signal.PAUSE, within_s=0.0)
    (lost,) = events(executor, Lost)
    assert isinstance(lost, Lost)
    assert lost.fault is Fault.MACHINE


def test_one_that_obeys_in_time_lives_on(executor: ProcessExecutor, job: Callable[..., Job]) -> None:
    executor.submit(job(epochs=2000))
    events(executor, Reported)
    (worker,) = workers()
    executor.signal(0, Signal.PAUSE, within_s=30)
    ended = events(executor, Ended)[-1]
    assert isinstance(ended, Ended)
    assert ended.result.status is Status.PAUSED
    executor.submit(job(1))
    assert isinstance(events(executor, Ended)[-1], Ended)
    assert workers() == [worker]


def test_the_death_of_an_idle_worker_is_not_the_next_trials_fault(
    executor: ProcessExecutor, job: Callable[..., Job]
) -> None:
    executor.submit(job(0))
    events(executor, Ended)
    (idle,) = workers()
    idle.kill()
    executor.submit(job(1))
    (lost,) = events(executor, Lost)
    assert isinstance(lost, Lost)
    assert (lost.number, lost.fault) == (1, Fault.MACHINE)
    executor.submit(job(1))
    assert isinstance(events(executor, Ended)[-1], Ended)


@pytest.mark.parametrize(
    ("how", "fault", "words"),
    [(signal.SIGKILL, Fault.MEMORY, "killed by "), (signal.SIGSEGV, Fault.TRIAL, "killed by SIGSEGV")],
)
def test_how_a_training_worker_died_says_who_is_to_blame(
    executor: ProcessExecutor, job: Callable[..., Job], how: signal.Signals, fault: Fault, words: str
) -> None:
    executor.submit(job(epochs=2000))
    events(executor, Reported)
    os.kill(executor.pids[0], how)
    lost = events(executor, Lost)[-1]
    assert isinstance(lost, Lost)
    assert lost.fault is fault
    assert lost.reason.startswith(words)


@pytest.mark.parametrize(("error", "renewed"), [("TrainingError", False), ("ValueError", True)])
def test_a_worker_is_renewed_after_any_error_that_is_not_the_users(
    executor: ProcessExecutor, job: Callable[..., Job], error: str, renewed: bool
) -> None:
    """What else was raised may have left a CUDA context or a library broken for all that follow."""
    broken = job(0)
    broken.directory.mkdir()
    (broken.directory / "raises").write_text(error)
    executor.submit(broken)
    (crashed,) = events(executor, Crashed)
    assert isinstance(crashed, Crashed)
    assert crashed.user_error is not renewed
    before = workers()
    executor.submit(job(1))
    assert isinstance(events(executor, Ended)[-1], Ended)
    assert (workers() != before) is renewed


@pytest.mark.parametrize(("text", "kills"), [("pgfault 9\noom_kill 3\n", 3), ("pgfault 9\n", None)])
def test_the_kernels_count_of_memory_kills(tmp_path: Path, text: str, kills: int | None) -> None:
    (tmp_path / "vmstat").write_text(text)
    assert oom_kills(tmp_path / "vmstat") == kills
    assert oom_kills(tmp_path / "absent") is None
