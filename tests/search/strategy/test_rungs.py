"""Promotion at rungs: on made-up curves, by any number of workers, and again from the record."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from hpo.errors import SpaceError
from hpo.search.commands.run.disk import most_checkpoints
from hpo.search.strategy.base import BEGIN, GO, WAIT, Begin, Pause, Resume, Scheduler, Wait
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.strategies.learned_rungs import LearnedPromotion
from hpo.search.strategy.strategies.narrow_rungs import narrow_promotion
from hpo.search.strategy.strategies.one_epoch_then_best import OneEpochThenBest
from hpo.search.strategy.strategies.rungs import Promotion, even_promotion, rung_epochs
from hpo.search.strategy.strategy import Strategy, build_strategy
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace
from hpo.studies.book.terms import Row
from hpo.studies.records.strategy import StrategyRecord
from hypothesis import given, settings
from hypothesis import strategies as st

EPOCHS = 20
SPACE = SearchSpace("s", (Float("x", 0.0, 1.0),))


@dataclass
class Study:
    """A study of made-up curves: `value(trial, epoch)`; trials in `broken` fail in the epoch that they name."""

    scheduler: Scheduler
    trials: int
    value: Callable[[int, int], float]
    broken: dict[int, int] = field(default_factory=dict)
    curves: Curves = field(default_factory=lambda: Curves("maximize", EPOCHS))
    running: list[int] = field(default_factory=list)
    paused: set[int] = field(default_factory=set)
    ended: dict[int, int] = field(default_factory=dict)
    begun: int = 0
    log: list[tuple[str, int, int]] = field(default_factory=list)
    hopeless: set[int] = field(default_factory=set)
    kept: int = 0

    def fill(self, workers: int) -> bool:
        """Give free workers something to do; return whether the study goes on."""
        while len(self.running) < workers:
            can_begin = self.begun < self.trials
            match self.scheduler.choose(self.curves, self.paused, can_begin=can_begin, is_idle=not self.running):
                case Resume(number):
                    self.paused.remove(number)
                    self.log.append(("resume", number, self.curves[number].epoch))
                    self.running.append(number)
                case Begin():
                    assert can_begin
                    self.running.append(self.begun)
                    self.begun += 1
                case Wait():
                    break
        return bool(self.running)

    def train(self, worker: int) -> None:
        """An epoch of the trial of a worker."""
        number = self.running[worker]
        epoch = self.curves[number].epoch + 1
        if self.broken.get(number) == epoch:
            self.running.remove(number)
            self.ended[number] = epoch - 1
            return
        assert self.curves.report(number, epoch, self.value(number, epoch))
        decision = self.scheduler.on_report(self.curves, number)
        if epoch == EPOCHS:
            self.running.remove(number)
            self.ended[number] = epoch
        elif decision != GO:
            self.log.append(("pause", number, epoch))
            self.running.remove(number)
            self.paused.add(number)
            self.hopeless.update(self.scheduler.hopeless(self.curves, self.paused, self.trials))
            self.kept = max(self.kept, len(self.paused - self.hopeless))

    def run(self, workers: int, seed: int = 0) -> "Study":
        order = random.Random(seed)
        while self.fill(workers):
            self.train(order.randrange(len(self.running)))
        return self

    @property
    def reached(self) -> list[int]:
        return [self.curves[number].epoch for number in range(self.trials)]


def promotion(trials: int) -> Promotion:
    return even_promotion(rung_epochs(EPOCHS), trials)


def narrow(trials: int) -> Promotion:
    return narrow_promotion(rung_epochs(EPOCHS), trials)


def learned(trials: int) -> Promotion:
    return LearnedPromotion(rung_epochs(EPOCHS), EPOCHS, trials)


def record_of(scheduler: Scheduler) -> StrategyRecord:
    return StrategyRecord("rungs", one_in=scheduler.one_in, rungs=scheduler.rungs)


def follow(scheduler: Scheduler, curves: Curves, record: Sequence[tuple[int, int, float]]) -> None:
    """Show a scheduler what others have recorded: trials, epochs and values."""
    for trial, epoch, value in record:
        curves.report(trial, epoch, value)
        scheduler.on_report(curves, trial)


def noisy(scheduler: Scheduler, trials: int, seed: int) -> tuple[Study, list[tuple[int, int, float]]]:
    """A study of curves that are noise, and its record, which grows as that is trained: trial, epoch and value."""
    noise = random.Random(seed)
    record: list[tuple[int, int, float]] = []

    def value(trial: int, epoch: int) -> float:
        record.append((trial, epoch, noise.choice([0.1, 0.2, 0.3, 0.4, float("nan")])))
        return record[-1][2]

    return Study(scheduler, trials, value), record


def by_number(trial: int, epoch: int) -> float:
    """Later trials are better, and curves rise."""
    return trial + epoch / 100


def test_the_rungs_are_below_the_last_epoch() -> None:
    assert [rung_epochs(epochs) for epochs in (1, 2, 4, 5, 16, 17, 50)] == [
        [], [1], [1], [1, 4], [1, 4], [1, 4, 16], [1, 4, 16],
    ]  # fmt: skip


def test_a_trial_goes_on_if_it_is_among_the_best_quarter_as_it_comes() -> None:
    scheduler, curves = promotion(99), Curves("maximize", EPOCHS)
    said = []
    for trial, value in enumerate((0.5, 0.4, 0.3, 0.6, 0.2, 0.55, 0.1, 0.58)):
        curves.report(trial, 1, value)
        said.append(scheduler.on_report(curves, trial))
    assert said == [Pause(0), Pause(0), Pause(0), GO, Pause(0), Pause(0), Pause(0), GO]


def test_the_best_of_the_highest_rung_is_resumed_first_and_the_earlier_of_equals() -> None:
    scheduler, curves = promotion(99), Curves("maximize", EPOCHS)
    for trial, epochs in enumerate((4, 4, 4, 1, 1, 1, 1, 4, 1, 1, 1, 1)):
        for epoch in range(1, epochs + 1):
            curves.report(trial, epoch, 0.5)
            scheduler.on_report(curves, trial)
    paused = set(range(12))
    chosen = []
    for _ in range(3):
        choice = scheduler.choose(curves, paused, can_begin=True, is_idle=False)
        chosen.append(choice)
        if isinstance(choice, Resume):
            paused.remove(choice.number)
    assert chosen == [Resume(0), BEGIN, BEGIN]
    assert scheduler.choose(curves, paused, can_begin=False, is_idle=False) == WAIT


@pytest.mark.parametrize("trials", [1, 2, 3, 5, 8, 24, 100])
def test_one_worker_gives_the_usual_numbers(trials: int) -> None:
    reached = Study(promotion(trials), trials, lambda trial, epoch: -trial + epoch / 100).run(1).reached
    assert reached[0] == EPOCHS
    passed = [sum(epoch > rung for epoch in reached) for rung in rung_epochs(EPOCHS)]
    assert passed == [max(1, -(-trials // 4**place)) for place in (1, 2, 3)]


@pytest.mark.parametrize(
    ("trials", "shares", "passed"),
    [(1, (4, 4, 2), [1, 1, 1]), (24, (6, 4, 2), [4, 1, 1]), (50, (12, 4, 2), [5, 2, 1]), (320, (16, 4, 2), [20, 5, 3])],
)
def test_narrow_rungs_begin_many_for_each_that_goes_on(trials: int, shares: tuple[int, ...], passed: list[int]) -> None:
    scheduler = narrow(trials)
    reached = Study(scheduler, trials, lambda trial, epoch: -trial + epoch / 100).run(1).reached
    assert scheduler.one_in == shares
    assert reached[0] == EPOCHS
    assert [sum(epoch > rung for epoch in reached) for rung in rung_epochs(EPOCHS)] == passed


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 8),
    st.integers(0, 5),
    st.lists(st.integers(0, 6), min_size=40, max_size=40),
    st.dictionaries(st.integers(0, 39), st.integers(1, EPOCHS), max_size=8),
    st.sampled_from([promotion, narrow, OneEpochThenBest]),
)
def test_whatever_the_curves_and_the_workers_each_rung_is_paused_at_and_left_once(
    trials: int, workers: int, seed: int, heights: list[int], broken: dict[int, int], make: Callable[[int], Scheduler]
) -> None:
    study = Study(make(trials), trials, lambda trial, epoch: float(heights[trial]), broken).run(workers, seed)
    assert study.begun == trials
    assert len(set(study.log)) == len(study.log), "a promotion or a pause was done twice"
    assert study.paused | study.ended.keys() == set(range(trials)), "a trial was lost"
    if set(study.ended) != set(broken) & set(range(trials)) or study.paused:
        assert EPOCHS in study.ended.values(), "no trial came to its end"
    assert not study.hopeless & {number for number, epoch in study.ended.items() if epoch == EPOCHS} or broken
    if isinstance(study.scheduler, Promotion):
        assert study.kept <= most_checkpoints(record_of(study.scheduler), trials, workers)


@settings(max_examples=30, deadline=None)
@given(
    st.integers(2, 40),
    st.integers(1, 6),
    st.integers(0, 9),
    st.integers(0, 400),
    st.sampled_from([promotion, narrow]),
)
def test_after_a_restart_the_same_record_gives_the_same_choice(
    trials: int, workers: int, seed: int, steps: int, make: Callable[[int], Scheduler]
) -> None:
    order = random.Random(seed)
    study, record = noisy(make(trials), trials, seed)
    for _ in range(steps):
        if not study.fill(workers):
            break
        study.train(order.randrange(len(study.running)))
    again, curves = make(trials), Curves("maximize", EPOCHS)
    follow(again, curves, record)
    for can_begin in (True, False):
        for is_idle in (True, False):
            now = study.scheduler.choose(study.curves, study.paused, can_begin=can_begin, is_idle=is_idle)
            assert again.choose(curves, study.paused, can_begin=can_begin, is_idle=is_idle) == now
    named = study.hopeless | set(study.scheduler.hopeless(study.curves, study.paused, 8))
    assert named == {each for limit in (trials, 8) for each in again.hopeless(curves, study.paused, limit)}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 60),
    st.integers(1, 6),
    st.integers(0, 9),
    st.lists(st.integers(1, 20), max_size=40),
    st.sampled_from([promotion, narrow, learned, OneEpochThenBest]),
)
def test_what_is_hopeless_is_named_once_whenever_that_is_asked(
    trials: int, workers: int, seed: int, steps: list[int], make: Callable[[int], Scheduler]
) -> None:
    order = random.Random(seed)
    study, record = noisy(make(trials), trials, seed)
    other, curves, named, read = make(trials), Curves("maximize", EPOCHS), list[int](), 0
    for count in steps:
        for _ in range(count):
            if study.fill(workers):
                study.train(order.randrange(len(study.running)))
        follow(other, curves, record[read:])
        read = len(record)
        seen = {number for number in study.paused if order.random() < 0.8}  # a pause may be heard of later
        named += other.hopeless(curves, seen, trials)
        again, all_curves = make(trials), Curves("maximize", EPOCHS)
        follow(again, all_curves, record)
        late = set(again.hopeless(all_curves, study.paused, trials))
        assert late & seen <= set(named)
        assert set(named) & study.paused <= late
        assert len(set(named)) == len(named)


def test_one_epoch_then_best_trains_a_tenth_to_the_end_the_best_first() -> None:
    study = Study(OneEpochThenBest(30), 30, by_number).run(4)
    assert study.reached == [1] * 27 + [EPOCHS] * 3
    assert [number for what, number, _ in study.log if what == "resume"] == [29, 28, 27]


def test_one_epoch_then_best_waits_for_the_last_first_epoch() -> None:
    study = Study(OneEpochThenBest(3), 3, by_number)
    study.fill(3)
    study.train(2)
    study.train(0)
    assert study.scheduler.choose(study.curves, study.paused, can_begin=False, is_idle=False) == WAIT
    study.train(0)
    assert study.scheduler.choose(study.curves, study.paused, can_begin=False, is_idle=True) == Resume(2)


def strategy(name: str, pruner: str | None = None) -> Strategy:
    return build_strategy(
        SPACE, strategy=name, sampler=None, pruner=pruner, seed=0, direction="maximize", epochs=EPOCHS, trials=9
    )


@pytest.mark.parametrize("name", ["rungs", "narrow_rungs", "learned_rungs", "one_epoch_then_best"])
def test_the_first_guess_is_not_paused_however_bad_it_looks(name: str) -> None:
    for space, goes_on in ((SPACE, False), (SearchSpace("s", (Float("x", 0.0, 1.0, prior=0.5),)), True)):
        setting = {"sampler": None, "pruner": None, "seed": 0, "direction": "maximize", "epochs": EPOCHS}
        made = build_strategy(space, strategy=name, **setting, trials=9)
        decided = made.decide([Row(0, 1, 0.1), *(Row(trial, 1, 0.2) for trial in (1, 2)), Row(0, 4, 0.1)])
        assert decided.keys() >= {1, 2}
        assert (0 not in decided) is goes_on
        made.decide([Row(0, EPOCHS, 0.1)])
        assert made.choose([1, 2], [0], can_begin=True, is_idle=False) == BEGIN


@pytest.mark.parametrize("name", ["rungs", "narrow_rungs", "one_epoch_then_best"])
def test_a_pruner_is_refused_in_words(name: str) -> None:
    with pytest.raises(SpaceError, match=f"pruner median: strategy {name} decides by itself"):
        strategy(name, "median")


def test_an_unknown_strategy_is_told_with_the_choices() -> None:
    with pytest.raises(SpaceError, match="--strategy: unknown strategy 'rung'; did you mean rungs"):
        strategy("rung")
