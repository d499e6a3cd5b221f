"""Searches at rungs: who pauses, who goes on, and how a study ends, is interrupted and goes on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hpo.search.executors.base import Job
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.goal import Outcome
from hpo.search.strategy.strategies.rungs import rung_epochs
from hpo.studies import attributes
from hpo.training.checkpoints.files import BEST, LAST
from optuna.trial import TrialState

from .world import EPOCHS, World

TRIALS = 16
RUNGS = rung_epochs(EPOCHS)
SECONDS = 10.0  # an epoch of the simulated curve


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@dataclass
class Counting(SimulatedExecutor):
    """Notes every start of a worker, how many checkpoints lie on the disk at most, and which are missed."""

    started: list[tuple[int, int]] = field(default_factory=list)
    most: int = 0
    lost: list[int] = field(default_factory=list)

    def submit(self, job: Job) -> None:
        self.started.append((job.number, self.checkpoints.get(job.number, 0)))
        if job.number in self.checkpoints and not (job.directory / LAST).exists():
            self.lost.append(job.number)
        job.directory.mkdir(exist_ok=True)
        for name in (LAST, BEST):
            (job.directory / name).touch()
        super().submit(job)
        self.most = max(self.most, len(list(job.directory.parent.glob(f"*/{LAST}"))))


def reached(world: World) -> list[int]:
    return sorted((len(trial.intermediate_values) for trial in world.trials()), reverse=True)


def check_done(world: World, trials: int) -> None:
    """Every trial is told, what was paused with its last value, and every epoch is recorded once, in order."""
    assert len(world.trials()) == trials
    for trial in world.trials():
        epochs = len(trial.intermediate_values)
        assert sorted(trial.intermediate_values) == list(range(1, epochs + 1))
        assert trial.state is (TrialState.COMPLETE if epochs == EPOCHS else TrialState.PRUNED)
        assert trial.value == trial.intermediate_values[epochs]
        assert not trial.user_attrs.get(attributes.PAUSED)
        assert trial.user_attrs[attributes.DURATION_S] == epochs * SECONDS


@pytest.mark.parametrize("slots", [1, 3])
def test_a_search_at_rungs_trains_the_best_to_their_end(world: World, slots: int) -> None:
    executor: Any = world.executor(slots, Counting)
    assert world.loop(TRIALS, executor=executor, strategy=world.at_rungs(TRIALS)).run() is Outcome.DONE
    check_done(world, TRIALS)
    if slots == 1:
        assert reached(world) == [EPOCHS] + [4] * 3 + [1] * 12
    best = max(world.trials(), key=lambda trial: trial.intermediate_values[1])
    assert best.state is TrialState.COMPLETE
    # a resumed trial goes on where it stood, and none is started twice from one place
    assert len(set(executor.started)) == len(executor.started)
    assert {epochs for _, epochs in executor.started} <= {0, 1, 4}


def test_one_epoch_then_best_does_as_it_says(world: World) -> None:
    strategy = world.at_rungs(20, "one_epoch_then_best")
    assert world.loop(20, strategy=strategy).run() is Outcome.DONE
    check_done(world, 20)
    assert reached(world) == [EPOCHS] * 2 + [1] * 18


def test_no_worker_is_idle_while_something_can_be_begun(world: World) -> None:
    executor: Any = world.executor(3, Counting)
    loop = world.loop(400, executor=executor, strategy=world.at_rungs(400), deadline=20 * SECONDS + 1)
    assert loop.run() is Outcome.TIMED_OUT
    assert sum(reached(world)) == 3 * 20


def test_what_is_paused_stays_paused_when_the_time_is_up_and_goes_on_with_more(world: World) -> None:
    loop = world.loop(TRIALS, strategy=world.at_rungs(TRIALS), deadline=5 * SECONDS + 1)
    assert loop.run() is Outcome.TIMED_OUT
    counts = world.book().counts()
    assert counts.paused > 0
    assert counts.running == 0
    assert world.loop(TRIALS, strategy=world.at_rungs(TRIALS)).run() is Outcome.DONE
    check_done(world, TRIALS)


def test_a_promoted_trial_keeps_the_time_of_its_start(world: World) -> None:
    world.loop(TRIALS, strategy=world.at_rungs(TRIALS), deadline=8 * SECONDS + 1).run()
    starts = {trial.number: trial.datetime_start for trial in world.trials()}
    paused = [trial for trial in world.trials() if trial.user_attrs.get(attributes.PAUSED)]
    world.loop(TRIALS, strategy=world.at_rungs(TRIALS)).run()
    promoted = [trial for trial in paused if len(world.trials()[trial.number].intermediate_values) > 4]
    assert promoted
    assert all(world.trials()[trial.number].datetime_start == starts[trial.number] for trial in promoted)


def test_a_study_that_is_done_goes_on_with_more_trials(world: World) -> None:
    for trials in (TRIALS, 2 * TRIALS):
        assert world.loop(trials, strategy=world.at_rungs(trials)).run() is Outcome.DONE
        check_done(world, trials)


def test_a_promoted_trial_without_a_checkpoint_begins_anew_and_does_not_pause_again(world: World) -> None:
    world.loop(TRIALS, strategy=world.at_rungs(TRIALS), deadline=5 * SECONDS + 1).run()
    before = {trial.number: trial.intermediate_values for trial in world.trials()}
    world.checkpoints.clear()
    executor: Any = world.executor(2, Counting)
    assert world.loop(TRIALS, executor=executor, strategy=world.at_rungs(TRIALS)).run() is Outcome.DONE
    check_done(world, TRIALS)
    for number, values in before.items():
        assert values.items() <= world.trials()[number].intermediate_values.items()
        assert [each for each, _ in executor.started].count(number) <= len(RUNGS) + 1


def test_another_strategy_ends_what_is_paused(world: World) -> None:
    world.loop(TRIALS, strategy=world.at_rungs(TRIALS), deadline=5 * SECONDS + 1).run()
    assert world.loop(TRIALS, sampler="random").run() is Outcome.DONE
    states = world.states()
    assert len(states) == TRIALS
    assert set(states) == {TrialState.COMPLETE, TrialState.PRUNED}


def test_checkpoints_of_trials_without_hope_are_removed_as_the_study_goes(world: World) -> None:
    trials, slots = 60, 2
    executor = world.executor(slots, Counting)
    assert world.loop(trials, executor=executor, strategy=world.at_rungs(trials)).run() is Outcome.DONE
    check_done(world, trials)
    assert executor.most <= trials / 3 + 2 + slots
    assert not list(world.directory.glob(f"*/{LAST}"))


def test_a_smaller_total_begins_by_removing_checkpoints_that_an_earlier_run_has_left(world: World) -> None:
    earlier = world.executor(2, Counting)
    world.loop(400, executor=earlier, strategy=world.at_rungs(400), deadline=30 * SECONDS + 1).run()
    trials, slots = 60, 2
    assert earlier.most > trials / 3 + 2 + slots
    executor = world.executor(slots, Counting)
    assert world.loop(trials, executor=executor, strategy=world.at_rungs(trials)).run() is Outcome.DONE
    assert executor.most <= trials / 3 + 2 + slots
    assert not executor.lost


def test_of_two_coordinators_each_removes_what_the_other_has_paused(world: World) -> None:
    trials, executors = 60, [world.executor(2, Counting) for _ in range(2)]
    loops = [world.loop(trials, executor=each, strategy=world.at_rungs(trials)) for each in executors]
    turns = [loop.turns() for loop in loops]
    for _ in range(25):
        next(turns[0])
        next(turns[1])
    turns[0].close()
    for _ in turns[1]:
        pass
    check_done(world, trials)
    assert executors[1].most <= trials / 3 + 2 + 4
    assert not executors[0].lost + executors[1].lost


@pytest.mark.parametrize("strategy", ["rungs", "narrow_rungs", "learned_rungs"])
def test_a_budget_of_epochs_bounds_the_checkpoints_too(world: World, strategy: str) -> None:
    epochs, slots = 60, 2
    executor = world.executor(slots, Counting)
    loop = world.loop(None, executor=executor, strategy=world.at_rungs(None, strategy), epochs=epochs)
    assert loop.run() is Outcome.OUT_OF_EPOCHS
    assert len(world.trials()) > epochs / 3 + 2 + slots, "more than may keep theirs"
    assert executor.most <= epochs / 3 + 2 + slots
    assert not executor.lost
