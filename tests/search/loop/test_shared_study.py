"""A study to which others write: what they enqueue, run, add, tell and delete, while hpo searches or between runs."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.configuration.claim import Claim
from hpo.search.executors.base import Event
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.outcome import outcome_of
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.studies import attributes
from hpo.studies.book.owner import FOREIGN_GRACE_S
from hpo.studies.book.terms import Beginning, Opening
from hpo.studies.records.summarise import summarise
from hpo.studies.store.locks import held_if_free, lock_path
from hpo.studies.waiting import GRACE_S
from hpo.training.config import ObjectiveConfig
from hpo.training.report import EpochReport, Signal, Status, TrainResult
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from .world import EPOCHS, World, search

LR, DECAY = "optimizer.lr", "optimizer.weight_decay"
REPORT = EpochReport(1, {"val_accuracy": 0.5}, elapsed_s=1.0)
ENDED = outcome_of(TrainResult(Status.FINISHED, REPORT, (REPORT,)), ObjectiveConfig())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.on_disk(tmp_path)


@pytest.fixture
def foreign_study(world: World) -> optuna.Study:
    """The study as somebody else has opened it."""
    world.book()
    storage = optuna.storages.RDBStorage(f"sqlite:///{world.directory}/studies.db")
    return optuna.load_study(study_name="s", storage=storage)


def test_what_is_enqueued_outside_the_space_is_refused_and_the_search_goes_on(
    world: World, foreign_study: optuna.Study
) -> None:
    for values in ({LR: 5.0}, {"lr": 0.1}, {LR: 0.25}, {LR: "fast"}):
        foreign_study.enqueue_trial(values)
    screen = search(world, 8)
    states = world.states()
    assert [states[number] for number in (0, 1, 2, 3)] == [
        TrialState.FAIL, TrialState.FAIL, TrialState.COMPLETE, TrialState.FAIL,
    ]  # fmt: skip
    assert states[4:] == [TrialState.COMPLETE] * 4
    refused = f"{LR}: an enqueued value must be one of the space's (0.0001 to 1, log), got 5.0"
    assert screen.ended[0] == ("FAIL", refused)
    assert screen.ended[1] == ("FAIL", f"lr: enqueued, but not a dimension of the space; choose from {LR}")
    assert world.trials()[2].params == {LR: 0.25}
    summary = summarise(world.storage, "s")
    assert summary.failures[refused] == (0,)  # what `hpo show` says


@pytest.mark.parametrize("sampler", ["grid:30" if name == "grid" else name for name in SAMPLERS])
def test_samplers_stay_in_the_space_whatever_others_have_added(
    world: World, foreign_study: optuna.Study, sampler: str
) -> None:
    """Trials of other programs may lie outside it; samplers learn from them all the same."""
    wide = {LR: FloatDistribution(1e-6, 100.0, log=True)}
    for place in range(15):
        lr = 50.0 if place % 2 else 1e-6
        foreign_study.add_trial(optuna.trial.create_trial(value=float(place), params={LR: lr}, distributions=wide))
    book = world.book(sampler=sampler)
    for _ in range(6):
        claim = book.claim(100)
        assert isinstance(claim, Claim)
        assert 1e-4 <= claim.params[LR] <= 1.0
        book.finish(claim.number, ENDED)


def test_a_trial_that_another_program_runs_is_left_alone_and_not_waited_for(
    world: World, foreign_study: optuna.Study
) -> None:
    trial = foreign_study.ask()
    trial.suggest_float("x", 0, 1)
    world.clock.sleep(FOREIGN_GRACE_S / 2)
    search(world, 3)
    assert world.states()[0] is TrialState.RUNNING
    assert world.states()[1:] == [TrialState.COMPLETE] * 3
    foreign_study.tell(trial, 0.9)
    world.loop(4).run()
    assert len(world.trials()) == 4


def test_a_trial_that_another_program_has_left_behind_is_not_taken_for_ours(
    world: World, foreign_study: optuna.Study
) -> None:
    trial = foreign_study.ask()
    trial.suggest_float("x", 0, 1)
    world.clock.sleep(FOREIGN_GRACE_S + 1)
    screen = search(world, 3)
    assert "x: enqueued, but not a dimension" in screen.ended[0][1]
    assert world.states() == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]


@pytest.mark.parametrize("skew_s", [-1000, 0, 1000])
def test_the_heartbeat_of_another_program_says_whether_it_lives(
    world: World, foreign_study: optuna.Study, skew_s: float
) -> None:
    """It has to move: on an SQLite file it has the time of the machine that wrote it."""
    trial = foreign_study.ask()
    trial.suggest_float(LR, 1e-4, 1.0, log=True)
    world.storage.record_heartbeat(trial._trial_id)
    book = world.book()
    for beats in (0, 1, 2, 2):
        with world.storage.engine.begin() as connection:
            moved = f"UPDATE trial_heartbeats SET heartbeat = datetime('2026-01-01', '{skew_s + 60 * beats} seconds')"
            connection.exec_driver_sql(moved)
        assert book.recover() == []
        world.clock.sleep(GRACE_S)
    world.clock.sleep(1)
    assert book.recover() == [0]


def test_a_paused_trial_of_ours_that_somebody_asks_for_by_hand_is_theirs_for_a_while(
    world: World, foreign_study: optuna.Study
) -> None:
    book = world.book()
    begun = book.claim(100)
    book.release(begun.number)
    assert foreign_study.ask().number == begun.number
    book = world.book()
    assert book.recover() == []
    world.clock.sleep(GRACE_S + 1)
    assert book.recover() == [begun.number]
    assert world.book().claim(100) == begun


def test_homes_that_share_a_database_share_its_lock(tmp_path: Path) -> None:
    world = World.on_disk(tmp_path / "one")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    other = World.on_disk(tmp_path / "other").book()
    with world.book()._claims._queue(), held_if_free(lock_path(tmp_path / "other" / "studies.db")) as free:
        assert not free
    assert other.claim(100).number == 0


@pytest.mark.parametrize("enqueued", [0, 1])
def test_another_program_that_asks_while_a_trial_is_claimed_gets_the_next(
    world: World, foreign_study: optuna.Study, enqueued: int
) -> None:
    """Other programs know nothing of our queue: the database itself keeps them waiting."""
    for _ in range(enqueued):
        foreign_study.enqueue_trial({LR: 0.1})
    book = world.book()
    begin = book._claims._begin

    with ThreadPoolExecutor(1) as thread:
        theirs: list[Future[optuna.Trial]] = []

        def interrupted(opening: Opening) -> Beginning[Claim]:
            theirs.append(thread.submit(foreign_study.ask))
            assert not wait(theirs, timeout=0.3).done
            return begin(opening)

        book._claims._begin = interrupted
        assert book.claim(100).number == 0
        assert theirs[0].result().number == 1
    assert attributes.OWNER not in world.trials()[1].user_attrs


@dataclass
class Meddled(SimulatedExecutor):
    """Somebody does something to the study after the n-th event."""

    meddle: Callable[[], None] = lambda: None
    after: int = 3
    stopped: list[int] = field(default_factory=list)

    def next_events(self, timeout_s: float | None = None) -> list[Event]:
        self.after -= 1
        if self.after == 0:
            self.meddle()
        return super().next_events(timeout_s)

    def signal(self, number: int, signal: Signal, within_s: float) -> None:
        self.stopped.append(number)
        super().signal(number, signal, within_s)


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE])
@pytest.mark.parametrize("after", range(1, 2 * EPOCHS + 2, 3))
def test_a_trial_that_somebody_tells_is_theirs_and_the_search_goes_on(
    world: World, foreign_study: optuna.Study, state: TrialState, after: int
) -> None:
    """At whatever moment: while it trains, before its last epoch, before its end."""

    def tell() -> None:
        told = next(trial.number for trial in foreign_study.trials if trial.state is TrialState.RUNNING)
        foreign_study.tell(told, 0.25 if state is TrialState.COMPLETE else None, state=state)

    executor = world.executor(slots=2, kind=Meddled, meddle=tell, after=after)
    screen = search(world, 5, executor)
    trials = world.trials()
    assert len(trials) == 5
    (told,) = [trial for trial in trials if attributes.STATUS not in trial.user_attrs]
    assert told.state is state
    if state is TrialState.COMPLETE:
        assert told.value == 0.25
    assert screen.notes == [f"trial {told.number} was ended by somebody else as {state.name}; its training here stops"]
    assert screen.ended[told.number][0] == state.name
    assert set(screen.ended) == {0, 1, 2, 3, 4}
    assert [trial.state for trial in trials if trial is not told] == [TrialState.COMPLETE] * 4


def test_a_study_that_somebody_deletes_ends_the_search_in_words(world: World, foreign_study: optuna.Study) -> None:
    def delete() -> None:
        optuna.delete_study(study_name="s", storage=foreign_study._storage)

    loop = world.loop(5, executor=world.executor(slots=2, kind=Meddled, meddle=delete, after=7))
    with pytest.raises(StudyError, match=r"^study s was deleted while it was searched$"):
        loop.run()
