"""The event loop in virtual time: what it owes the user whatever workers, coordinators and people do to it."""

import math
import time
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import TrainingError
from hpo.search.configuration.claim import Claim, Claimer
from hpo.search.executors.base import Blocked, Crashed, Ended, Event, Job, Lost, Reported
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.brake import LATER
from hpo.search.loop.checkpoints import KEPT
from hpo.search.loop.loop import BlockedError, Goal, Loop, Outcome, Places
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategies import build_pruner, build_sampler
from hpo.spaces.parameter import Float
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies import attributes
from hpo.studies.book.ledger import Ledger
from hpo.studies.book.owner import GRACE_S
from hpo.studies.store.storage import open_storage
from hpo.studies.tracking.tracker import NullTracker
from hpo.training.checkpoints.files import BEST, LAST
from hpo.training.report import EpochReport, Status
from optuna.trial import TrialState

EPOCHS = 10
SPACE = SearchSpace(
    "curve",
    (Float("optimizer.lr", 1e-4, 1.0, log=True),),
    (Fixed("optimizer.name", "sgd"), Fixed("budget.epochs", EPOCHS), Fixed("data.source", "digits")),
)


def curve(job: Job) -> list[EpochReport]:
    """Best near lr = 0.03; ten virtual seconds an epoch."""
    ceiling = 1 - abs(math.log10(job.config.optimizer.lr) + 1.5) / 4
    values = [ceiling * (1 - math.exp(-e / 3)) for e in range(1, EPOCHS + 1)]
    return [EpochReport(e, {"val_accuracy": v}, elapsed_s=10.0 * e) for e, v in enumerate(values, start=1)]


class Killed(BaseException):
    """SIGKILL, as far as a process can play it."""


@dataclass
class Dying(SimulatedExecutor):
    """Kills the coordinator at its n-th event: nothing that the loop does afterwards may matter."""

    events_left: int = 10**9

    def next_event(self, timeout_s: float | None = None) -> Event | None:
        self.events_left -= 1
        if self.events_left < 0:
            raise Killed
        return super().next_event(timeout_s)


@dataclass
class World:
    """What outlives a coordinator: the store, the disk, the clock."""

    directory: Path
    storage: optuna.storages.BaseStorage = field(default_factory=lambda: open_storage("sqlite://"))
    clock: VirtualClock = field(default_factory=VirtualClock)
    checkpoints: dict[int, int] = field(default_factory=dict)
    losses: dict[int, int] = field(default_factory=dict)
    seed: int = 0

    def ledger(self, pruner: str = "none", sampler: str = "tpe", space: SearchSpace = SPACE) -> Ledger[Claim]:
        study = optuna.create_study(
            storage=self.storage, study_name="s", direction="maximize", load_if_exists=True,
            pruner=build_pruner(pruner, EPOCHS),
        )  # fmt: skip
        begin = Claimer(space, lambda n: build_sampler(sampler, self.seed, n))
        return Ledger(study, begin, self.directory / "lock", self.clock.now)

    def loop(self, trials: int, *, executor: Any = None, slots: int = 2, pruner: str = "none", **goal: float) -> Loop:
        executor = executor or self.executor(slots)
        places = Places(self.directory / "pack", lambda number: self.directory / str(number))
        return Loop(
            self.ledger(pruner), executor, NullTracker(), NoProgress(), self.clock, Goal(trials, **goal), places
        )

    def executor(self, slots: int = 2, kind: Callable[..., Any] = SimulatedExecutor, **more: Any) -> Any:
        return kind(curve, slots, self.clock, self.losses, self.checkpoints, **more)

    def trials(self) -> list[optuna.trial.FrozenTrial]:
        return optuna.load_study(study_name="s", storage=self.storage).get_trials()

    def states(self) -> list[TrialState]:
        return [trial.state for trial in self.trials()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_reaches_exactly_the_total(world: World) -> None:
    assert world.loop(7).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 7


def test_trials_is_the_total_not_more(world: World) -> None:
    world.loop(4).run()
    world.loop(6).run()
    world.loop(6).run()
    assert len(world.trials()) == 6


def test_the_value_is_the_best_epoch_and_every_epoch_is_reported(world: World) -> None:
    world.loop(1).run()
    (trial,) = world.trials()
    assert list(trial.intermediate_values) == list(range(1, EPOCHS + 1))
    assert trial.value == max(trial.intermediate_values.values())
    assert trial.user_attrs[attributes.BEST_EPOCH] == EPOCHS
    assert trial.user_attrs[attributes.STATUS] == "finished"


def test_slots_run_at_the_same_time(world: World) -> None:
    world.loop(8, slots=4).run()
    assert world.clock.now() == 8 / 4 * EPOCHS * 10


def test_pruned_trials_count_and_save_time(world: World) -> None:
    world.loop(40, pruner="median").run()
    states = world.states()
    assert len(states) == 40
    assert states.count(TrialState.PRUNED) > 5
    assert world.clock.now() < 40 / 2 * EPOCHS * 10
    pruned = next(t for t in world.trials() if t.state is TrialState.PRUNED)
    assert pruned.user_attrs[attributes.STATUS] == "stopped"


def test_the_same_seed_gives_the_same_search(tmp_path: Path) -> None:
    def params(seed: int) -> list[dict[str, Any]]:
        world = World(tmp_path, seed=seed)
        world.loop(15, slots=1).run()
        return [trial.params for trial in world.trials()]

    assert params(1) == params(1)
    assert params(1) != params(2)


def test_an_interrupted_search_proposes_what_it_would_have_proposed(tmp_path: Path) -> None:
    whole, halves = World(tmp_path), World(tmp_path)
    whole.loop(16, slots=1).run()
    halves.loop(5, slots=1).run()
    halves.loop(16, slots=1).run()
    assert [t.params for t in whole.trials()] == [t.params for t in halves.trials()]


def test_a_lost_worker_costs_no_trial_and_no_epoch(world: World) -> None:
    world.losses = {1: 6}
    world.loop(4, slots=1).run()
    assert world.states() == [TrialState.COMPLETE] * 4
    assert world.trials()[1].user_attrs[attributes.ATTEMPTS] == 1
    assert world.clock.now() == 4 * EPOCHS * 10 + 10  # the epoch that was lost is done again


def test_a_trial_that_keeps_losing_workers_is_given_up(world: World) -> None:
    class Cursed(SimulatedExecutor):
        def next_event(self, timeout_s: float | None = None) -> Event | None:
            self._lost.clear()
            return super().next_event(timeout_s)

    world.losses = {2: 3}
    world.loop(5, executor=world.executor(kind=Cursed)).run()
    assert world.states().count(TrialState.FAIL) == 1
    failed = world.trials()[2]
    assert failed.state is TrialState.FAIL
    assert "lost 3 times" in failed.user_attrs[attributes.ERROR]
    assert len(world.trials()) == 5


def test_interrupt_pauses_what_runs_and_the_next_run_goes_on(world: World) -> None:
    executor = world.executor(slots=3)
    loop = world.loop(6, executor=executor)
    seen = 0
    original = executor.next_event

    def interrupting(timeout_s: float | None = None) -> Event | None:
        nonlocal seen
        event = original(timeout_s)
        seen += isinstance(event, Reported)
        if seen == 13:
            loop.interrupt()
        return event

    executor.next_event = interrupting
    assert loop.run() is Outcome.INTERRUPTED
    assert TrialState.RUNNING not in world.states()
    assert world.states().count(TrialState.WAITING) == 3
    spent = world.clock.now()
    assert world.loop(6, slots=3).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 6
    assert world.clock.now() - spent < 2 * EPOCHS * 10, "the paused trials must not begin anew"


def test_a_deadline_ends_the_run_and_keeps_the_trials(world: World) -> None:
    assert world.loop(10, deadline=250).run() is Outcome.TIMED_OUT
    assert world.clock.now() == pytest.approx(250, abs=10)
    assert TrialState.RUNNING not in world.states()
    assert world.loop(10).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 10


@pytest.fixture
def dead_owner(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Makes every owner so far a dead one, by moving this process to another boot."""

    def die() -> None:
        from hpo.studies.book import owner

        me = owner.Owner.me()
        monkeypatch.setattr(owner.Owner, "me", classmethod(lambda cls: owner.Owner(me.host, me.boot, me.pid, 1e9)))
        monkeypatch.setattr(owner.Owner, "alive", lambda self: self.started == 1e9)

    return die


@pytest.mark.parametrize("events", range(0, 70, 5))
def test_a_killed_coordinator_loses_nothing(world: World, dead_owner: Callable[[], None], events: int) -> None:
    loop = world.loop(4, executor=world.executor(kind=Dying, events_left=events), slots=2)
    loop._ledger.release = lambda number: None  # type: ignore[method-assign]  # the dead do not tidy up
    try:
        loop.run()
    except Killed:
        dead_owner()
    assert world.loop(4).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 4
    for trial in world.trials():
        assert list(trial.intermediate_values) == list(range(1, EPOCHS + 1))


def test_a_coordinator_killed_between_ask_and_claim_leaves_a_trial_that_is_run(world: World) -> None:
    world.clock.time = time.time()  # the store notes when a trial began
    ledger = world.ledger()
    ledger._study.ask()
    assert world.ledger().recover() == []  # its coordinator may be about to
    world.clock.sleep(GRACE_S + 1)
    world.loop(3).run()
    assert world.states() == [TrialState.COMPLETE] * 3


def test_recovery_leaves_the_living_alone(world: World) -> None:
    living = world.ledger()
    claim = living.claim()
    assert world.ledger().recover() == []
    assert world.trials()[claim.number].state is TrialState.RUNNING


def test_what_a_trial_began_with_is_what_it_goes_on_with(world: World) -> None:
    ledger = world.ledger()
    begun = ledger.claim()
    ledger.release(begun.number)
    again = world.ledger().claim()
    assert again == begun


@pytest.mark.parametrize("url", ["sqlite:///{}/studies.db"])
def test_two_coordinators_share_a_study(tmp_path: Path, url: str) -> None:
    world = World(tmp_path, storage=open_storage(url.format(tmp_path)))
    first, second = world.ledger(), world.ledger()
    numbers = [ledger.claim().number for ledger in (first, second, first, second)]
    assert sorted(numbers) == [0, 1, 2, 3]
    assert first.recover() == second.recover() == []


@dataclass
class Breaking(SimulatedExecutor):
    """Every trial but those in `sound` raises."""

    sound: Container[int] = ()

    def next_event(self, timeout_s: float | None = None) -> Event | None:
        event = super().next_event(timeout_s)
        if event is not None and event.number not in self.sound:
            del self._runs[event.number]
            self._due = [due for due in self._due if due[1] != event.number]
            return Crashed(event.number, "ValueError: boom", "Traceback ...", user_error=False)
        return event


def test_first_trials_that_all_break_end_the_search_and_wait(world: World) -> None:
    with pytest.raises(TrainingError, match=r"3 trials in a row broke.*boom"):
        world.loop(50, executor=world.executor(1, Breaking)).run()
    assert world.states() == [TrialState.WAITING] * 3
    assert (world.directory / "0" / "error.txt").read_text() == "Traceback ..."
    assert world.loop(5).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 5


@pytest.mark.parametrize("slots", [1, 3])
def test_so_do_trials_that_all_break_after_sound_ones(world: World, slots: int) -> None:
    with pytest.raises(TrainingError, match=rf"{LATER} trials in a row broke.*boom"):
        world.loop(50, executor=world.executor(slots, Breaking, sound=range(slots)), slots=slots).run()
    states = world.states()
    assert states.count(TrialState.FAIL) == 0
    assert states.count(TrialState.COMPLETE) == slots
    assert world.loop(50).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 50


def test_trials_that_break_in_every_run_do_not_end_every_run(world: World) -> None:
    broken = world.executor(1, Breaking, sound=range(3, 50))
    with pytest.raises(TrainingError):
        world.loop(6, executor=broken).run()
    assert world.loop(6, executor=world.executor(1, Breaking, sound=range(3, 50))).run() is Outcome.DONE
    assert world.states() == [TrialState.FAIL] * 3 + [TrialState.COMPLETE] * 3


def test_a_study_in_which_all_break_again_and_again_never_fails_a_trial(world: World) -> None:
    for _ in range(6):
        with pytest.raises(TrainingError, match="trials in a row broke"):
            world.loop(7, executor=world.executor(1, Breaking)).run()
    assert world.states() == [TrialState.WAITING] * 7


def test_what_breaks_on_its_own_fails(world: World) -> None:
    assert world.loop(2, executor=world.executor(1, Breaking)).run() is Outcome.DONE
    assert world.states() == [TrialState.FAIL] * 2


def test_workers_that_are_lost_under_every_trial_cost_none(world: World) -> None:
    class Cursed(SimulatedExecutor):
        def next_event(self, timeout_s: float | None = None) -> Event | None:
            self._lost.clear()
            return super().next_event(timeout_s)

    world.losses = dict.fromkeys(range(50), 2)
    with pytest.raises(TrainingError, match=r"3 trials in a row broke.*worker was lost 3 times"):
        world.loop(50, executor=world.executor(1, Cursed)).run()
    world.losses.clear()
    assert world.loop(4).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 4
    assert {trial.user_attrs.get(attributes.ATTEMPTS, 0) for trial in world.trials()} == {0}


def test_a_worker_that_dies_while_the_run_ends_is_not_started_again(world: World) -> None:
    @dataclass
    class Killed(SimulatedExecutor):
        """A worker that is asked to pause dies first."""

        begun: int = 0

        def submit(self, job: Job) -> None:
            self.begun += 1
            super().submit(job)

        def next_event(self, timeout_s: float | None = None) -> Event | None:
            event = super().next_event(timeout_s)
            paused = isinstance(event, Ended) and event.result.status is Status.PAUSED
            return Lost(event.number, "killed by SIGTERM") if event and paused else event

    executor = world.executor(2, Killed)
    assert world.loop(5, executor=executor, deadline=25).run() is Outcome.TIMED_OUT
    assert executor.begun == 2
    assert world.states() == [TrialState.WAITING] * 2
    assert [trial.user_attrs.get(attributes.ATTEMPTS, 0) for trial in world.trials()] == [0, 0]


def test_a_full_disk_ends_the_run_and_loses_nothing(world: World) -> None:
    @dataclass
    class Full(SimulatedExecutor):
        def next_event(self, timeout_s: float | None = None) -> Event | None:
            event = super().next_event(timeout_s)
            return Blocked(event.number, "No space left on device: last.ckpt") if event and event.number > 1 else event

    with pytest.raises(BlockedError, match=r"No space left on device: last\.ckpt") as told:
        world.loop(9, executor=world.executor(2, Full)).run()
    assert told.value.exit_code == 1
    assert len(str(told.value).splitlines()) <= 3
    assert world.states().count(TrialState.FAIL) == 0
    assert TrialState.RUNNING not in world.states()
    assert world.loop(9).run() is Outcome.DONE
    assert world.states() == [TrialState.COMPLETE] * 9


def test_only_what_can_go_on_or_win_keeps_its_checkpoint(world: World) -> None:
    @dataclass
    class Leaving(SimulatedExecutor):
        def submit(self, job: Job) -> None:
            job.directory.mkdir(exist_ok=True)
            for name in (LAST, BEST):
                (job.directory / name).touch()
            super().submit(job)

    def left(number: int) -> set[str]:
        return {path.name for path in (world.directory / str(number)).iterdir()}

    loop = world.loop(50, executor=world.executor(2, Leaving), pruner="median", deadline=355)
    assert loop.run() is Outcome.TIMED_OUT
    complete = [trial for trial in world.trials() if trial.state is TrialState.COMPLETE]
    best = {trial.number for trial in sorted(complete, key=lambda trial: -(trial.value or 0.0))[:KEPT]}
    for trial in world.trials():
        waits = trial.state is TrialState.WAITING
        assert left(trial.number) == ({LAST, BEST} if waits else {BEST} if trial.number in best else set())
    assert {TrialState.WAITING, TrialState.PRUNED, TrialState.COMPLETE} == set(world.states())


def test_a_traceback_that_cannot_be_kept_ends_nothing(world: World) -> None:
    (world.directory / "1").write_text("no folder can be made here")
    assert world.loop(4, executor=world.executor(1, Breaking, sound=(0, 2, 3))).run() is Outcome.DONE
    assert world.states().count(TrialState.FAIL) == 1


def test_a_few_broken_trials_are_kept_as_failures(world: World) -> None:
    world.loop(6, executor=world.executor(kind=Breaking, sound=(0, 2, 4, 5))).run()
    states = world.states()
    assert states.count(TrialState.FAIL) == 2
    assert states.count(TrialState.COMPLETE) == 4


def test_hundreds_of_seeds_in_seconds(tmp_path: Path) -> None:
    """TPE must find the peak better than chance would: the simulation is what strategies are judged on."""

    def best(sampler: str, seed: int) -> float:
        world = World(tmp_path, optuna.storages.InMemoryStorage(), seed=seed)
        ledger = world.ledger(sampler=sampler)
        places = Places(tmp_path, lambda number: tmp_path / str(number))
        Loop(ledger, world.executor(), NullTracker(), NoProgress(), world.clock, Goal(24), places).run()
        return max(trial.value or 0.0 for trial in world.trials())

    tpe, chance = (sorted(best(name, seed) for seed in range(40)) for name in ("tpe", "random"))
    assert tpe[20] > chance[20]
