"""Extensions in a study: run alone or beside a search, compared with nothing, and never stopped."""

import json
from collections.abc import Mapping, Sequence

import optuna
from hpo.search.loop.goal import Outcome
from hpo.studies import attributes
from hpo.studies.book.extensions import Extension, put_in_line
from hpo.studies.book.first_trials import FirstTrial, enqueue
from hpo.studies.book.terms import Decided, FirstCome, Row, Stop
from optuna.trial import TrialState

from .world import EPOCHS, World

TRIALS = 16
SECONDS = 10.0  # an epoch of the simulated curve
LONGER = 2 * EPOCHS


class StopAll(FirstCome):
    """Stops each trial of which it sees an epoch, and remembers which those are."""

    def __init__(self) -> None:
        self.seen: set[int] = set()

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        self.seen |= {row.number for row in rows}
        return {row.number: Stop(row.epoch) for row in rows}


def study_of(world: World) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=world.storage)


def lengthened(world: World, *parents: int) -> list[int]:
    """Extensions of trials, in line."""
    extensions = []
    for parent in parents:
        config = json.loads(world.trials()[parent].user_attrs[attributes.CONFIG])
        config["budget"]["epochs"] = LONGER
        extensions.append(Extension(parent, LONGER, json.dumps(config)))
    return put_in_line(study_of(world), extensions)


def begun(world: World) -> World:
    """A study at rungs that was interrupted: some trials are paused, some wait."""
    loop = world.loop(TRIALS, strategy=world.at_rungs(TRIALS), deadline=8 * SECONDS + 1)
    assert loop.run() is Outcome.TIMED_OUT
    assert world.book().counts().paused > 0
    assert TrialState.WAITING in world.states()
    return world


def test_extensions_alone_are_run_and_all_else_stays_as_it_is(world: World) -> None:
    before = [(trial.state, trial.intermediate_values) for trial in begun(world).trials()]
    numbers = lengthened(world, 0, 1)
    plan = StopAll()
    assert world.loop(None, plan=plan, only=frozenset(numbers)).run() is Outcome.DONE
    trials = world.trials()
    assert [(trial.state, trial.intermediate_values) for trial in trials[: len(before)]] == before
    for number, parent in zip(numbers, (0, 1), strict=True):
        assert trials[number].state is TrialState.COMPLETE
        assert trials[number].params == trials[parent].params
    assert not plan.seen & {*numbers}
    assert plan.seen == {number for number, (_, epochs) in enumerate(before) if epochs}


def test_a_search_runs_what_waits_of_them_and_neither_stops_nor_compares_them(world: World) -> None:
    (number,) = lengthened(begun(world), 0)
    strategy = world.at_rungs(TRIALS + 1)
    assert world.loop(TRIALS + 1, strategy=strategy).run() is Outcome.DONE
    trials = world.trials()
    assert len(trials) == TRIALS + 1
    assert trials[number].state is TrialState.COMPLETE
    assert attributes.DECISION not in trials[number].user_attrs
    assert all(trial.state.is_finished() for trial in trials)


def test_the_epochs_of_an_extension_that_another_coordinator_runs_are_judged_by_nobody(world: World) -> None:
    plan = StopAll()
    search = world.loop(TRIALS, plan=plan, slots=1).turns()
    for _ in range(6):
        next(search)
    numbers = lengthened(world, 0)
    assert world.loop(None, only=frozenset(numbers)).run() is Outcome.DONE
    for _ in search:
        pass
    assert plan.seen == set(range(len(world.trials()))) - {*numbers}


def test_samplers_hear_nothing_of_extensions_and_one_can_win(world: World) -> None:
    world.loop(TRIALS, sampler="random").run()
    numbers = lengthened(world, 0)
    book = world.book()
    assert world.loop(None, only=frozenset(numbers)).run() is Outcome.DONE
    book.counts()
    news = book._feed.news()
    assert [trial.number for trial in news.finished] == list(range(TRIALS))
    assert numbers[0] in book.best(TRIALS + 1)


def test_what_is_in_line_is_not_put_in_line_again_but_what_has_failed_is(world: World) -> None:
    world.loop(2, sampler="random").run()
    first = lengthened(world, 1)
    assert lengthened(world, 0, 1) == [first[0] + 1, first[0]]
    world.storage.set_trial_state_values(world.trials()[first[0]]._trial_id, TrialState.FAIL)
    assert lengthened(world, 1) == [first[0] + 2]


def test_first_trials_are_told_apart_from_them(world: World) -> None:
    world.loop(1, sampler="random").run()
    lengthened(world, 0)
    tried = FirstTrial({"optimizer.lr": 0.01}, {"try": {"optimizer.lr": 0.01}})
    assert enqueue(study_of(world), [tried], {}) == [tried]
    assert enqueue(study_of(world), [tried], {}) == []


def test_a_budget_that_is_a_dimension_is_told_as_it_is_trained(world: World) -> None:
    study = optuna.create_study(storage=world.storage, study_name="s", direction="maximize")
    trial = study.ask()
    trial.suggest_int("budget.epochs", 1, 20)
    trial.suggest_float("optimizer.lr", 0.001, 1.0)
    study.tell(trial, 0.5)
    numbers = put_in_line(study, [Extension(0, 20, "{}"), Extension(0, 30, "{}")])
    lr = study.trials[0].params["optimizer.lr"]
    assert [study.trials[number].params for number in numbers] == [
        {"budget.epochs": 20, "optimizer.lr": lr},
        {"optimizer.lr": lr},
    ]
