"""An executor that does not obey: it does what it is told to, in virtual time.

Words wait in a pipe until they are heard, in any order between trials, some twice, some after their worker is gone.
Workers hang and are lost. Left alone (`live`), it is a sound one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hpo.search.executors.base import Ended, Event, Executor, Fault, Job, Lost, Reported, Resumed, no_slot
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import Curve, followed
from hpo.training.report import EpochReport, Signal, Status


@dataclass(slots=True)
class Worker:
    """A worker: what it trains, the wish that it has not obeyed yet, and its words that nobody has heard yet."""

    job: Job
    curve: Sequence[EpochReport]
    done: int
    wish: Signal = Signal.CONTINUE
    deadline: float = float("inf")
    hung: bool = False
    said: list[Event] = field(default_factory=list)

    @property
    def has_ended(self) -> bool:
        return any(isinstance(event, Ended) for event in self.said)


@dataclass(eq=False)
class ChaosExecutor(Executor):
    """Trains `curve(job)`, an epoch at each `work`; `checkpoints` is the disk, see SimulatedExecutor."""

    curve: Curve
    slots: int
    clock: VirtualClock
    losses: object
    checkpoints: dict[int, int]
    workers: dict[int, Worker] = field(default_factory=dict)
    heard: list[Event] = field(default_factory=list)  # all there were, for those that come again
    inbox: list[Event] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        if len(self.workers) >= self.slots:
            raise no_slot(self.slots)
        assert job.number not in self.workers, "two workers of one executor train a trial"
        worker = Worker(job, followed(job, self.curve(job)).history, self.checkpoints.get(job.number, 0))
        if worker.done:
            worker.said.append(Resumed(job.number, job.generation, tuple(worker.curve[: worker.done])))
        self.workers[job.number] = worker

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        if worker := self.workers.get(number):
            worker.wish, worker.deadline = signal, min(worker.deadline, self.clock.now() + within_s)

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        for number in [number for number, worker in self.workers.items() if worker.deadline <= self.clock.now()]:
            self.lose(number, Fault.MACHINE)
        events, self.inbox = self.inbox, []
        return events

    def close(self) -> None:
        self.workers.clear()
        self.inbox.clear()

    def work(self, number: int) -> None:
        """Train an epoch, or obey."""
        worker = self.workers[number]
        if worker.hung or worker.has_ended:
            return
        if worker.wish is not Signal.CONTINUE:
            self._end(worker, Status.STOPPED if worker.wish is Signal.STOP else Status.PAUSED)
        elif worker.done == len(worker.curve):
            self._end(worker, Status.FINISHED)
        else:
            report = worker.curve[worker.done]
            worker.done += 1
            self.checkpoints[number] = worker.done
            worker.said.append(Reported(number, worker.job.generation, report))

    def hear(self, number: int) -> None:
        """Bring what a worker has said to the loop."""
        worker = self.workers[number]
        self.inbox += worker.said
        self.heard += worker.said
        if worker.has_ended:
            del self.workers[number]
        worker.said = []

    def lose(self, number: int, fault: Fault, unheard: bool = False) -> None:
        """Lose a worker, and what it has said where that is to stay `unheard`."""
        generation = self.workers[number].job.generation
        if not unheard:
            self.hear(number)
        if self.workers.pop(number, None):
            lost = Lost(number, generation, f"lost by the {fault}", fault)
            self.inbox.append(lost)
            self.heard.append(lost)

    def repeat(self, which: int) -> None:
        """Say something again that was said before, perhaps by a worker that is gone."""
        if self.heard:
            event = self.heard[which % len(self.heard)]
            # a report may come twice from a living worker, its end only after it is gone
            self.inbox.append(event)

    def live(self) -> None:
        """Let every worker work and be heard, as in an executor that is sound."""
        for number in list(self.workers):
            self.work(number)
            self.hear(number)

    def _end(self, worker: Worker, status: Status) -> None:
        result = followed(worker.job, worker.curve[: worker.done]).result(status)
        worker.said.append(Ended(worker.job.number, worker.job.generation, result))
