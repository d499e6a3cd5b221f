"""A study to which others write: what they enqueue, run, add, tell and delete, while hpo searches or between runs."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.configuration.claim import Claim
from hpo.search.executors.base import Event
from hpo.search.executors.simulated import SimulatedExecutor
from hpo.search.loop.loop import Outcome
from hpo.search.loop.outcome import outcome_of
from hpo.search.progress.base import NoProgress
from hpo.search.strategy.strategies import SAMPLERS
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace
from hpo.studies import attributes
from hpo.studies.book.ledger import Refused, TakenError
from hpo.studies.book.owner import FOREIGN_GRACE_S, GRACE_S
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.training.report import EpochReport, Status, TrainResult
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState

from .test_loop import EPOCHS, SPACE, World

LR, DECAY = "optimizer.lr", "optimizer.weight_decay"
REPORT = EpochReport(1, {"val_accuracy": 0.5}, elapsed_s=1.0)
ENDED = outcome_of(TrainResult(Status.FINISHED, REPORT, (REPORT,)), "val_accuracy")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, open_storage(f"sqlite:///{tmp_path}/studies.db"))
    made.clock.time = time.time()  # the store notes when a trial began
    return made


@pytest.fixture
def theirs(world: World) -> optuna.Study:
    """The study as somebody else has opened it."""
    world.ledger()
    storage = optuna.storages.RDBStorage(f"sqlite:///{world.directory}/studies.db")
    return optuna.load_study(study_name="s", storage=storage)


@dataclass
class Screen(NoProgress):
    """Who is told."""

    notes: list[str] = field(default_factory=list)
    ended: dict[int, tuple[str, str]] = field(default_factory=dict)

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        assert number not in self.ended

    def trial_ended(self, number: int, state: str, value: float | None, status: str, message: str) -> None:
        assert number not in self.ended
        self.ended[number] = (state, message)

    def note(self, text: str) -> None:
        self.notes.append(text)


def search(world: World, trials: int, executor: Any = None) -> Screen:
    """Run to `trials` trials; what was told."""
    loop, screen = world.loop(trials, executor=executor), Screen()
    loop._progress = screen
    assert loop.run() is Outcome.DONE
    return screen


def test_what_is_enqueued_outside_the_space_is_refused_and_the_search_goes_on(
    world: World, theirs: optuna.Study
) -> None:
    for values in ({LR: 5.0}, {"lr": 0.1}, {LR: 0.25}, {LR: "fast"}):
        theirs.enqueue_trial(values)
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


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_samplers_stay_in_the_space_whatever_others_have_added(
    world: World, theirs: optuna.Study, sampler: str
) -> None:
    """Trials of other programs may lie outside it; samplers learn from them all the same."""
    wide = {LR: FloatDistribution(1e-6, 100.0, log=True)}
    for place in range(15):
        lr = 50.0 if place % 2 else 1e-6
        theirs.add_trial(optuna.trial.create_trial(value=float(place), params={LR: lr}, distributions=wide))
    ledger = world.ledger(sampler=sampler)
    for _ in range(6):
        claim = ledger.claim()
        assert isinstance(claim, Claim)
        assert 1e-4 <= claim.params[LR] <= 1.0
        ledger.end(claim.number, ENDED)


def test_a_trial_that_another_program_runs_is_left_alone_and_not_waited_for(world: World, theirs: optuna.Study) -> None:
    trial = theirs.ask()
    trial.suggest_float("x", 0, 1)
    world.clock.sleep(FOREIGN_GRACE_S / 2)
    search(world, 3)
    assert world.states()[0] is TrialState.RUNNING
    assert world.states()[1:] == [TrialState.COMPLETE] * 3
    theirs.tell(trial, 0.9)
    world.loop(4).run()
    assert len(world.trials()) == 4


def test_a_trial_that_another_program_has_left_behind_is_not_taken_for_ours(world: World, theirs: optuna.Study) -> None:
    trial = theirs.ask()
    trial.suggest_float("x", 0, 1)
    world.clock.sleep(FOREIGN_GRACE_S + 1)
    screen = search(world, 3)
    assert "x: enqueued, but not a dimension" in screen.ended[0][1]
    assert world.states() == [TrialState.FAIL, TrialState.COMPLETE, TrialState.COMPLETE]


@pytest.mark.parametrize(("age_s", "orphans"), [(GRACE_S - 60, []), (GRACE_S + 60, [0])])
def test_the_heartbeat_of_another_program_says_whether_it_lives(
    world: World, theirs: optuna.Study, age_s: float, orphans: list[int]
) -> None:
    trial = theirs.ask()
    trial.suggest_float(LR, 1e-4, 1.0, log=True)
    world.storage.record_heartbeat(trial._trial_id)
    with world.storage.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE trial_heartbeats SET heartbeat = datetime('now', '-{age_s} seconds')")
    assert world.ledger().recover() == orphans


def test_a_paused_trial_of_ours_that_somebody_asks_for_by_hand_is_theirs_for_a_while(
    world: World, theirs: optuna.Study
) -> None:
    ledger = world.ledger()
    begun = ledger.claim()
    ledger.release(begun.number)
    assert theirs.ask().number == begun.number
    assert world.ledger().recover() == []
    world.clock.sleep(GRACE_S + 1)
    assert world.ledger().recover() == [begun.number]
    assert world.ledger().claim() == begun


def test_coordinators_without_a_common_lock_never_take_the_same_trial(world: World, theirs: optuna.Study) -> None:
    """Two homes on one database server: recovery falls between asking and claiming."""
    first, second = world.ledger(), world.ledger()
    second._lock = world.directory / "elsewhere" / "lock"
    theirs.enqueue_trial({LR: 0.1})
    ask = first._study.ask
    claims = []

    def interrupted() -> optuna.Trial:
        trial = ask()
        assert second.recover() == []
        claims.append(second.claim())
        return trial

    first._study.ask = interrupted
    claims.append(first.claim())
    assert sorted(claim.number for claim in claims) == [0, 1]


@dataclass
class Meddled(SimulatedExecutor):
    """Somebody does something to the study after the n-th event."""

    meddle: Callable[[], None] = lambda: None
    after: int = 3
    stopped: list[int] = field(default_factory=list)

    def next_event(self, timeout_s: float | None = None) -> Event | None:
        self.after -= 1
        if self.after == 0:
            self.meddle()
        return super().next_event(timeout_s)

    def stop(self, number: int) -> None:
        self.stopped.append(number)
        super().stop(number)


@pytest.mark.parametrize("state", [TrialState.PRUNED, TrialState.FAIL, TrialState.COMPLETE])
@pytest.mark.parametrize("after", range(1, 2 * EPOCHS + 2, 3))
def test_a_trial_that_somebody_tells_is_theirs_and_the_search_goes_on(
    world: World, theirs: optuna.Study, state: TrialState, after: int
) -> None:
    """At whatever moment: while it trains, before its last epoch, before its end."""

    def tell() -> None:
        told = next(trial.number for trial in theirs.trials if trial.state is TrialState.RUNNING)
        theirs.tell(told, 0.25 if state is TrialState.COMPLETE else None, state=state)

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


def test_a_study_that_somebody_deletes_ends_the_search_in_words(world: World, theirs: optuna.Study) -> None:
    def delete() -> None:
        optuna.delete_study(study_name="s", storage=theirs._storage)

    loop = world.loop(5, executor=world.executor(slots=2, kind=Meddled, meddle=delete, after=7))
    with pytest.raises(StudyError, match=r"^study s was deleted while it was searched$"):
        loop.run()


def test_a_trial_that_was_taken_for_orphaned_is_told_by_who_ends_it_first(world: World) -> None:
    """A coordinator on another machine, whose clock is ahead, has put it back to waiting and taken it up."""
    first, second = world.ledger(), world.ledger()
    claim = first.claim()
    world.storage.set_trial_state_values(world.trials()[0]._trial_id, TrialState.WAITING)
    assert first.report(claim.number, 1, 0.5) is False
    again = second.claim()
    assert again.number == claim.number
    assert first.end(claim.number, ENDED) is TrialState.COMPLETE
    with pytest.raises(TakenError, match="trial 0 was ended by somebody else as COMPLETE"):
        second.report(again.number, 2, 0.5)
    assert second.mine == ()
    assert world.trials()[0].value == 0.5


def test_an_epoch_that_is_trained_again_is_no_news(world: World) -> None:
    """Neither a second value nor a warning of Optuna's across the view."""
    ledger = world.ledger()
    claim = ledger.claim()
    ledger.report(claim.number, 1, 0.5)
    ledger.report(claim.number, 1, 0.6)
    ledger.release(claim.number)
    ledger.claim()
    ledger.report(claim.number, 1, 0.7)
    assert world.trials()[0].intermediate_values == {1: 0.5}


def test_a_result_counts_though_its_trial_was_put_back_to_waiting(world: World) -> None:
    ledger = world.ledger()
    claim = ledger.claim()
    world.storage.set_trial_state_values(world.trials()[0]._trial_id, TrialState.WAITING)
    assert ledger.end(claim.number, ENDED) is TrialState.COMPLETE
    assert (world.states(), world.trials()[0].value) == ([TrialState.COMPLETE], 0.5)


WIDER = SearchSpace("curve", (*SPACE.parameters, Float(DECAY, 1e-5, 1e-1, log=True)), SPACE.values)
NARROWER = SearchSpace("curve", (Float(LR, 1e-4, 2e-4, log=True),), SPACE.values)


@pytest.mark.parametrize(
    ("before", "after"), [(SPACE, WIDER), (WIDER, SPACE), (SPACE, NARROWER)], ids=["wider", "fewer", "narrower"]
)
def test_a_paused_trial_goes_on_with_what_it_began_with_whatever_the_space_is_now(
    world: World, before: SearchSpace, after: SearchSpace
) -> None:
    first, second = world.ledger(space=before), world.ledger(space=after)
    begun = first.claim()
    assert isinstance(begun, Claim)
    first.release(begun.number)
    assert second.claim() == begun
    second.end(begun.number, ENDED)
    assert world.trials()[0].params == begun.params
    fresh = second.claim()
    assert isinstance(fresh, Claim)
    assert fresh.params.keys() == {parameter.key for parameter in after.parameters}


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: json.dumps({**json.loads(text), "old_field": 1}), "saved by another version: old_field: "),
        (lambda text: text.replace('"sgd"', '"sgdx"'), "saved by another version: optimizer: "),
        (lambda text: text[:40], "saved by another version: "),
        (lambda text: "", "saved by another version: "),
    ],
)
def test_a_saved_configuration_that_is_not_known_any_more_blocks_nothing(
    world: World, spoil: Callable[[str], str], words: str
) -> None:
    ledger = world.ledger()
    begun = ledger.claim()
    assert isinstance(begun, Claim)
    saved = begun.config.model_dump_json()
    world.storage.set_trial_user_attr(world.trials()[0]._trial_id, attributes.CONFIG, spoil(saved))
    ledger.release(begun.number)
    screen = search(world, 4)
    assert world.states() == [TrialState.FAIL] + [TrialState.COMPLETE] * 3
    state, message = screen.ended[0]
    assert state == "FAIL"
    assert message.startswith(words)
    assert "\n" not in message
    assert world.trials()[0].params == begun.params
    assert summarise(world.storage, "s").failures == {message: (0,)}


def test_values_that_make_no_valid_configuration_block_nothing(world: World) -> None:
    """What no corner of the space shows, and the configuration refuses."""
    ledger = world.ledger(space=SearchSpace("curve", (Float("optimizer.momentum", 0.0, 3.0),), SPACE.values))
    claims = [ledger.claim() for _ in range(12)]
    refused = [claim for claim in claims if isinstance(claim, Refused)]
    assert 0 < len(refused) < 12
    assert all("optimizer.momentum: must be" in claim.reason for claim in refused)
    assert {world.states()[claim.number] for claim in refused} == {TrialState.FAIL}
