"""Which checkpoints are kept: what can go on and what can win, whatever else a trial leaves."""

from dataclasses import dataclass
from pathlib import Path

import optuna
import pytest
from hpo.search.configuration.claim import Claimer
from hpo.search.executors.base import Job
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.checkpoints import KEPT, Checkpoints
from hpo.search.loop.goal import Outcome
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.space import SearchSpace
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.store.storage import open_storage
from hpo.training.checkpoints.files import BEST, LAST, NEXT_BEST, PARTIAL
from optuna.trial import TrialState, create_trial

from .world import World

OTHERS = ("config.json", "spool.jsonl", "error.txt")
LEFT = (LAST, BEST, NEXT_BEST, PARTIAL, f".{LAST}.77.tmp", f"set-aside-1/{LAST}", *OTHERS)


def leave(trial: Path) -> None:
    for name in LEFT:
        (trial / name).parent.mkdir(parents=True, exist_ok=True)
        (trial / name).write_text("")


def left(trial: Path) -> set[str]:
    return {str(path.relative_to(trial)) for path in trial.rglob("*") if path.is_file() and "ckpt" in path.name}


def test_a_trial_that_ended_keeps_its_weights_while_it_is_among_the_best(tmp_path: Path) -> None:
    checkpoints = Checkpoints(lambda number: tmp_path / str(number))
    for number in range(4):
        leave(tmp_path / str(number))
    for number, best in ((0, [0]), (1, [1, 0])):
        checkpoints.rank(best)
        checkpoints.ended(number)
    assert [left(tmp_path / name) for name in "01"] == [{BEST}, {BEST}]
    checkpoints.ended(2)
    checkpoints.rank([3, 1])
    checkpoints.ended(3)
    assert [left(tmp_path / name) for name in "0123"] == [set(), {BEST}, set(), {BEST}]
    assert all((tmp_path / name / "error.txt").exists() for name in "0123")


def test_a_run_begins_by_removing_what_earlier_ones_have_left(tmp_path: Path) -> None:
    checkpoints = Checkpoints(lambda number: tmp_path / str(number))
    for number in range(5):
        leave(tmp_path / str(number))
    checkpoints.sweep([0, 1, 2, 7], [1])
    assert [left(tmp_path / name) for name in "012"] == [set(), {BEST}, set()]
    assert all(len(left(tmp_path / name)) == 6 for name in "34")
    checkpoints.rank([3])
    checkpoints.ended(3)
    assert [left(tmp_path / name) for name in "13"] == [set(), {BEST}]


@pytest.mark.parametrize(("direction", "best"), [("maximize", [3, 1, 4]), ("minimize", [0, 2, 1])])
def test_the_best_are_complete_and_the_older_of_equals(direction: str, best: list[int]) -> None:
    study = optuna.create_study(direction=direction, storage=open_storage("sqlite://"))
    for value in (0.1, 0.5, 0.2, 0.9, 0.5):
        study.add_trial(create_trial(value=value, user_attrs={attributes.CONFIG: "{}"}))
    study.add_trial(create_trial(value=0.0 if direction == "minimize" else 1.0))  # of another program
    study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: 1.0}))
    study.add_trial(create_trial(state=TrialState.FAIL))
    study.enqueue_trial({})
    space = SearchSpace("s", (), ())
    strategy = build_strategy(
        space, strategy="pruning", sampler="random", pruner="none", seed=0, direction="maximize", epochs=1
    )
    book = Book(study, Claimer(space, strategy), VirtualClock().now)
    assert book.best(KEPT) == best
    assert book.finished() == [0, 1, 2, 3, 4, 5, 6, 7]


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
