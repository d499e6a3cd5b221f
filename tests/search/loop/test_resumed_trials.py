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
from hpo.studies.book.terms import Fence, Refused, Row
from hpo.studies.records.summarise import summarise
from hpo.training.config import ObjectiveConfig
from hpo.training.report import EpochReport, Status, TrainResult
from optuna.trial import TrialState

from .world import SPACE, World, search

LR, DECAY = "optimizer.lr", "optimizer.weight_decay"
REPORT = EpochReport(1, {"val_accuracy": 0.5}, elapsed_s=1.0)
ENDED = outcome_of(TrainResult(Status.FINISHED, REPORT, (REPORT,)), ObjectiveConfig())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.on_disk(tmp_path)


def test_a_trial_that_was_taken_over_is_its_new_owners_alone(world: World) -> None:
    """Somebody has put it back to waiting, and another coordinator has begun it."""
    first, second = world.book(), world.book()
    claim = first.claim(100)
    world.storage.set_trial_state_values(world.trials()[0]._trial_id, TrialState.WAITING)
    again = second.claim(100)
    assert (again.number, again.generation) == (claim.number, claim.generation + 1)
    lost = Fence(held=False, state=TrialState.RUNNING)
    assert first.report([Row(claim.number, 1, 0.5)], lambda rows: {}).lost == {0: lost}
    assert first.mine == ()
    assert world.trials()[0].intermediate_values == {}
    assert second.report([Row(again.number, 2, 0.5)], lambda rows: {}).lost == {}
    assert second.finish(again.number, ENDED) == Fence(held=True, state=TrialState.COMPLETE)
    assert world.trials()[0].value == 0.5


def test_an_epoch_that_is_trained_again_is_no_news(world: World) -> None:
    """Neither a second value nor a warning of Optuna's across the view."""
    book = world.book()
    claim = book.claim(100)
    book.report([Row(claim.number, 1, 0.5)], lambda rows: {})
    book.report([Row(claim.number, 1, 0.6)], lambda rows: {})
    book.release(claim.number)
    book.claim(100)
    book.report([Row(claim.number, 1, 0.7)], lambda rows: {})
    assert world.trials()[0].intermediate_values == {1: 0.5}


def test_a_result_counts_though_its_trial_was_put_back_to_waiting(world: World) -> None:
    book = world.book()
    claim = book.claim(100)
    world.storage.set_trial_state_values(world.trials()[0]._trial_id, TrialState.WAITING)
    assert book.finish(claim.number, ENDED) == Fence(held=True, state=TrialState.COMPLETE)
    assert (world.states(), world.trials()[0].value) == ([TrialState.COMPLETE], 0.5)


WIDER = SearchSpace("curve", (*SPACE.parameters, Float(DECAY, 1e-5, 1e-1, log=True)), SPACE.values)


NARROWER = SearchSpace("curve", (Float(LR, 1e-4, 2e-4, log=True),), SPACE.values)


@pytest.mark.parametrize(
    ("before", "after"), [(SPACE, WIDER), (WIDER, SPACE), (SPACE, NARROWER)], ids=["wider", "fewer", "narrower"]
)
def test_a_paused_trial_goes_on_with_what_it_began_with_whatever_the_space_is_now(
    world: World, before: SearchSpace, after: SearchSpace
) -> None:
    first, second = world.book(space=before), world.book(space=after)
    begun = first.claim(100)
    assert isinstance(begun, Claim)
    first.release(begun.number)
    assert second.claim(100) == begun
    second.finish(begun.number, ENDED)
    assert world.trials()[0].params == begun.params
    fresh = second.claim(100)
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
    book = world.book()
    begun = book.claim(100)
    assert isinstance(begun, Claim)
    saved = begun.config.model_dump_json()
    world.storage.set_trial_user_attr(world.trials()[0]._trial_id, attributes.CONFIG, spoil(saved))
    book.release(begun.number)
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
    book = world.book(space=SearchSpace("curve", (Float("optimizer.momentum", 0.0, 3.0),), SPACE.values))
    claims = [book.claim(100) for _ in range(12)]
    refused = [claim for claim in claims if isinstance(claim, Refused)]
    assert 0 < len(refused) < 12
    assert all("optimizer.momentum: must be" in claim.reason for claim in refused)
    assert {world.states()[claim.number] for claim in refused} == {TrialState.FAIL}
