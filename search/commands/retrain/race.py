"""The race of a study's best trials: fresh trainings in rounds, without those that cannot win.

As in the races of Maron & Moore 1994 (NIPS 6:59) and Birattari et al. 2002 (GECCO, F-Race): every candidate runs the
first repetition, then the second, ...; who falls behind beyond doubt is stopped, and costs nothing more. Their tests,
Hoeffding's bound and Friedman's ranks, need tens of repetitions before they stop anyone; here it is the posterior of
the paired values (posterior.py), which may from the second on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ....studies.records.trial import TrialRecord
from ....training.config import ObjectiveConfig
from ....training.export.race import Outcome, RaceEntry
from .posterior import Estimate, estimate

STOP_BELOW = 0.05
"""The probability of being the best below which a candidate is stopped; of more than ten, half of an equal share.

In 400 races each of five simulated candidates, whose means lay apart by half of, as much as and twice the noise, this
left out 23 to 61 % of the trainings, and the winner was as good as without: on average within 0.02 of the noise.
"""

FIRST_STOP = 2
"""The first repetition after which a candidate may be stopped: one alone does not tell how wide the noise is."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fresh training: its value, None where it cannot be used, and why not."""

    value: float | None
    failure: str = ""


@dataclass(slots=True)
class Runner:
    """A candidate in the race, and what it has shown so far."""

    record: TrialRecord
    values: list[float] = field(default_factory=list)
    failure: str = ""
    is_stopped: bool = False

    @property
    def is_running(self) -> bool:
        """Whether it runs the next repetition, or has run the last one."""
        return not self.failure and not self.is_stopped

    @property
    def outcome(self) -> Outcome:
        """What has become of it, the winner apart."""
        return "failed" if self.failure else "stopped" if self.is_stopped else "lost"

    def add(self, fresh: Fresh) -> None:
        """Take note of its next training."""
        self.failure = fresh.failure
        if fresh.value is not None:
            self.values.append(fresh.value)


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides between runners.

    `step` is the smallest change that a value can show; `overlap` says how dependent repetitions are, see `estimate`.
    """

    objective: ObjectiveConfig
    step: float
    overlap: float

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.objective.direction == "maximize" else -1

    def estimates(self, runners: Sequence[Runner]) -> dict[int, Estimate]:
        """The estimates of those that have a value, by the trial's number; means in the objective's own direction."""
        rated = [runner for runner in runners if runner.values]
        if not rated:
            return {}
        values = [[self.sign * value for value in runner.values] for runner in rated]
        out = [index for index, runner in enumerate(rated) if runner.failure]
        estimated = estimate(values, step=self.step, overlap=self.overlap, out=out)
        return {
            runner.record.number: Estimate(self.sign * each.mean, each.half_width, each.probability)
            for runner, each in zip(rated, estimated, strict=True)
        }

    def hopeless(self, runners: Sequence[Runner]) -> list[Runner]:
        """Those still running that are too unlikely to be the best."""
        estimates, leader = self.estimates(runners), self.winner(runners)
        running = [runner for runner in runners if runner.is_running and runner is not leader]
        return [each for each in running if _probability(estimates, each) < stop_below(len(runners))]

    def winner(self, runners: Sequence[Runner]) -> Runner | None:
        """The one most likely to be the best of those that still run; None where none does."""
        estimates = self.estimates(runners)
        running = [runner for runner in runners if runner.is_running]
        return max(running, key=lambda each: _probability(estimates, each), default=None)  # of equals the better ranked

    def entries(self, runners: Sequence[Runner]) -> tuple[RaceEntry, ...]:
        """The race as it is kept, after its end."""
        estimates, winner = self.estimates(runners), self.winner(runners)
        return tuple(self._entry(each, estimates.get(each.record.number), is_winner=each is winner) for each in runners)

    def _entry(self, runner: Runner, fresh: Estimate | None, *, is_winner: bool) -> RaceEntry:
        number, selected = runner.record.number, runner.record.value
        assert selected is not None  # candidates are complete
        outcome = runner.outcome if not is_winner else "won"
        entry = RaceEntry(
            trial=number, selected=selected, values=tuple(runner.values), outcome=outcome, failure=runner.failure
        )
        if fresh is None:
            return entry
        return entry.model_copy(
            update={
                "mean": fresh.mean,
                "interval": self._interval(fresh),
                "optimism": self.sign * (selected - fresh.mean),
                "probability": fresh.probability,
            }
        )

    def _interval(self, fresh: Estimate) -> tuple[float, float] | None:
        """The interval of a mean, within the values that the metric can have."""
        if fresh.half_width is None:
            return None
        highest = float("inf") if self.objective.metric == "val_loss" else 1.0  # all others are in [0, 1]
        return max(0.0, fresh.mean - fresh.half_width), min(highest, fresh.mean + fresh.half_width)


def race(
    records: Iterable[TrialRecord],
    seeds: int,
    judge: Judge,
    train: Callable[[TrialRecord, int], Fresh],
    note: Callable[[str], None],
) -> list[Runner]:
    """Run the race over `seeds` repetitions, two at least.

    `train` runs a repetition, from 1, of a trial; `note` is told of what each repetition has brought. The last runner
    runs to the end: its mean is what the race is for, too.
    """
    runners = [Runner(record) for record in records]
    for repetition in range(1, seeds + 1):
        for runner in runners:
            if runner.is_running:
                runner.add(train(runner.record, repetition))
        if FIRST_STOP <= repetition < seeds:
            for runner in judge.hopeless(runners):
                runner.is_stopped = True
                note(f"trial {runner.record.number} is stopped after repetition {repetition}: it is hardly the best")
    return runners


def stop_below(candidates: int) -> float:
    """The probability below which one of so many candidates is stopped; the best always has more."""
    return min(STOP_BELOW, 1 / (2 * candidates))


def _probability(estimates: dict[int, Estimate], runner: Runner) -> float:
    probability = estimates[runner.record.number].probability
    return 1.0 if probability is None else probability  # nothing is known against it
