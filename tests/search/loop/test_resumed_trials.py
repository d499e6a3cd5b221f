"""Trials that were put back to waiting: each goes on with what it began with."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.search.configuration.claim import Claim
from hpo.search.loop.outcome import outcome_of
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace
from hpo.studies import attributes
from hpo.studies.book.ledger import Refused, TakenError
from hpo.studies.records.summarise import summarise
from hpo.training.report import EpochReport, Status, TrainResult
from optuna.trial import TrialState

from .world import SPACE, World, search

LR, DECAY = "optimizer.lr", "optimizer.weight_decay"
REPORT = EpochReport(1, {"val_accuracy": 0.5}, elapsed_s=1.0)
ENDED = outcome_of(TrainResult(Status.FINISHED, REPORT, (REPORT,)), "val_accuracy")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.on_disk(tmp_path)


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
