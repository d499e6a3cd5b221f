"""`auto`: one of the other strategies, chosen by what is to be searched and with what."""

from dataclasses import dataclass

from ....spaces.space import SearchSpace
from ..base import Proposer, Scheduler, Setting, folds_of
from .narrow_rungs import FIRST, SECOND_HAS, one_in_so_many
from .registry import STRATEGIES
from .rungs import ETA, rung_epochs

LEAST_EPOCHS = 4
"""Below so many the second rung is beyond the last epoch, and to stop early saves next to nothing."""
LEAST_STEPS = 20
"""Batches an epoch: after fewer, more than a tenth of batch norm's running averages (momentum 0.1) is where they began,
and the best trials of a first epoch are those with luck. On the digits rungs came to 47 % with 7, to 100 % with 23."""
LEAST_TRIALS = 8
"""A rung passes one in four: of fewer trials it would compare one or two."""
LEAST_PER_WORKER = 4
"""Trials a worker: with fewer, most have begun before any has come to a rung, and nothing is learnt for another."""
LEAST_FOLDS = 4
"""The folds from which on the paired test of `wilcoxon` can tell two trials apart."""
LEAST_NARROW = FIRST * SECOND_HAS
"""Trials from which on the first rung can be as narrow as on recorded tables of 50 epochs: it won on five of six."""
LEAST_NARROW_RUNGS = 3
"""With two, on ten tables of image classifiers of 9 epochs, narrow ones needed 8 % more epochs than even ones, and more
than twice as many on one."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a strategy is picked by.

    `trials` is the total, None for no limit, `epochs` those of a usual trial; `at_best` tells that the best epoch of a
    trial counts, `has_pruner` that its user has named a pruner. `steps` are the batches of an epoch, None where nobody
    has counted the images. `several` tells that there are several objectives. `folds` are those of a trial, which then
    stand for its epochs; 0 for none.
    """

    space: SearchSpace
    trials: int | None
    epochs: int
    workers: int = 1
    at_best: bool = False
    has_pruner: bool = False
    steps: int | None = None
    several: bool = False
    folds: int = 0

    @property
    def pruner(self) -> str | None:
        """The pruner of strategy `pruning` where none is named; None: its own."""
        return "wilcoxon" if self.folds >= LEAST_FOLDS else None


@dataclass(frozen=True, slots=True)
class Pick:
    """A strategy and the reason for it, in words."""

    strategy: str
    why: str


def pick(facts: Facts) -> Pick:
    """Pick a strategy: rungs, narrow ones for many long trials, but where a rule below speaks against them.

    A rung at the end of a fold has a whole training behind it: what speaks against early epochs does not count there.
    """
    trials = facts.space.most_trials(facts.trials)
    for against, why in (
        (facts.has_pruner, "a pruner is named"),
        (not facts.folds and facts.epochs < LEAST_EPOCHS, f"{facts.epochs} epochs are too few for rungs"),
        (
            not facts.folds and facts.steps is not None and facts.steps < LEAST_STEPS,
            f"after an epoch of {facts.steps} batches no trial can be told from another",
        ),
        (not facts.folds and facts.at_best, "the best epoch of a trial counts, which the first ones do not tell"),
        (trials < LEAST_TRIALS, f"{trials:g} trials are too few to be compared at rungs"),
        (trials < LEAST_PER_WORKER * facts.workers, f"{facts.workers} workers begin most of {trials:g} trials at once"),
    ):
        if against:
            return Pick("pruning", why)
    rungs = rung_epochs(facts.epochs)
    is_narrow = trials >= LEAST_NARROW and len(rungs) >= LEAST_NARROW_RUNGS
    one_in = one_in_so_many(len(rungs), facts.trials) if is_narrow else [ETA]
    epochs, shares = ", ".join(map(str, rungs)), ", ".join(f"1/{each}" for each in one_in)
    unit = "folds" if facts.folds else "epochs"
    why = f"{facts.epochs} {unit} leave some to save; after {epochs} the best {shares} go on, the others pause"
    return Pick("narrow_rungs" if is_narrow else "rungs", why)


@STRATEGIES.register("auto")
def auto(setting: Setting) -> tuple[Proposer, Scheduler]:
    """Make the strategy that is picked for one worker, as no other number of them is known here."""
    at_best = setting.space.fixed.get("objective.at") == "best"
    facts = Facts(
        setting.space,
        setting.trials,
        setting.epochs,
        at_best=at_best,
        has_pruner=setting.pruner is not None,
        several=bool(setting.others),
        folds=folds_of(setting.space),
    )
    return STRATEGIES.find(pick(facts).strategy)(setting)
