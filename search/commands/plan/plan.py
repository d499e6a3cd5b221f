"""`hpo plan`, composed: command -> preflight -> timed configurations -> simulated searches -> advice."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, isfinite
from pathlib import Path
from time import monotonic

from ....common.plural import plural
from ....errors import SpaceError, StudyError
from ....studies.book.open_study import Begun, begun_with
from ....studies.home import Home
from ....studies.records.strategy import StrategyRecord
from ....studies.records.summarise import summarise
from ....studies.store.storage import hush_optuna, open_existing, storage_exists
from ....training.config import TrialConfig
from ....training.data.test_note import expected_width
from ....training.data.validation_note import least_difference
from ...configuration.example import example_config
from ...configuration.search_settings import SearchSettings, settle_search
from ...executors.preflight import Preflight, Stage
from ...loop.checkpoints import KEPT
from ...loop.goal import Goal
from ...resolve.data import refuse_home_as_data
from ...resolve.trust import name_space
from ...strategy.strategy import Strategy, build_strategy
from ..run.crew import LocalCrew
from ..run.disk import most_at_once
from ..run.options import RAY, RunOptions
from ..run.outset import Command, Outset, check_command, finished_trials, set_out, try_out
from .advice import Circumstances, advice
from .cost import Work, works
from .forecast import Price, Prices, Searched, forecast
from .memory import free_bytes
from .result import Plan, Precision, Prospect, Room
from .sample import Sample, heaviest, sample
from .timed import Measured, choose, measure

AROUND_S = 4.0
"""What a search takes besides what is measured here: its store and MLflow are opened, and have the last of it in the
end."""


@dataclass(frozen=True, slots=True)
class PlanWatcher:
    """The view of a plan in the making: its stages, and lines that a person should read."""

    stage: Stage
    note: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a study stands: what it began with, its ended trials and all epochs; a new one has none."""

    begun: Begun | None = None
    trials: int = 0
    epochs: int = 0


def plan(options: RunOptions, watcher: PlanWatcher) -> Plan:
    """Say what the search that `options` ask for would take; nothing of it is begun.

    Raises:
        HpoError: the space, the data, the study or a flag is wrong, or nothing could be trained.
    """
    began = monotonic()
    hush_optuna()
    options = _foreseeable(options)
    command = check_command(options, watcher.note)
    name_space(command.space, watcher.note)
    home = Home.locate(options.home)
    refuse_home_as_data(home.root, example_config(command.space).data.source)
    name = options.study or command.space.name
    standing = _standing(options, home, name)
    outset = set_out(command, standing.begun)
    home.create(watcher.note)
    with tempfile.TemporaryDirectory(prefix=".plan-", dir=home.root) as folder:
        drawn = _sample(command, outset, standing.trials)
        measuring = _Measurements(options, outset, home, Path(folder), watcher, began)
        ready, work, measured = measuring.run(drawn.configs)
    goal = _goal(options, standing)
    prospects = tuple(
        _prospect(outset, goal, ready, work, drawn.foreseen, each, measuring.setup_s) for each in measured
    )
    return _judged(outset, goal, name, standing, ready, prospects, home)


def _foreseeable(options: RunOptions) -> RunOptions:
    """The options of a search whose end can be told beforehand, in processes of this machine.

    Raises:
        SpaceError: there is none, or it is on a cluster.
    """
    if options.executor == RAY:
        raise SpaceError("hpo plan measures this machine, got --executor ray\n  plan on a node, without it")
    if (options.trials, options.timeout_s, options.max_epochs_total) == (None,) * 3:
        raise SpaceError(
            "hpo plan needs an end that can be told beforehand, got none\n"
            "  give --trials, --timeout or --max-epochs-total"
        )
    return replace(options, executor="process", workers=1) if options.executor == "inline" else options


def _standing(options: RunOptions, home: Home, name: str) -> _Standing:
    """Where study `name` stands.

    Raises:
        StudyError: it has all its trials or epochs already, or its store cannot be read.
    """
    if not storage_exists(options.storage, home):
        return _Standing()
    storage = open_existing(options.storage, home)
    begun = begun_with(storage, name)
    if begun is None:
        return _Standing()
    standing = _Standing(begun, finished_trials(storage, name), summarise(storage, name).epochs_total)
    goal = _goal(options, standing)
    if (goal.trials is not None and goal.trials <= 0) or (goal.epochs is not None and goal.epochs <= 0):
        done = f"{plural(standing.trials, 'trial')} of {plural(standing.epochs, 'epoch')}"
        raise StudyError(f"study {name} has {done}: hpo run would end at once\n  ask for more, or name another --study")
    return standing


def _goal(options: RunOptions, standing: _Standing) -> Goal:
    """What is left of the search."""
    return Goal(
        trials=None if options.trials is None else options.trials - standing.trials,
        deadline=options.timeout_s or inf,
        epochs=None if options.max_epochs_total is None else options.max_epochs_total - standing.epochs,
        trial_timeout_s=options.trial_timeout_s or inf,
    )


def _sample(command: Command, outset: Outset, done: int) -> Sample:
    """What the search goes on with that has `done` so many trials."""
    settings = settle_search(outset.names, outset.facts)
    tried = [first.params for first in command.tried]
    return sample(outset.space, _strategy(outset, settings), settings.sampler, tried, done)


def _strategy(outset: Outset, settings: SearchSettings) -> Strategy:
    """The strategy of the search, which has been told of no trial."""
    config = outset.config
    direction, *others = config.objective.directions
    return build_strategy(
        outset.space,
        **settings.names,
        seed=config.seed,
        direction=direction,
        others=others,
        epochs=config.steps,
        trials=outset.options.trials,
    )


class _Measurements:
    """The measurements of a plan; `setup_s` are the seconds from its beginning to the first trial."""

    def __init__(
        self, options: RunOptions, outset: Outset, home: Home, folder: Path, watcher: PlanWatcher, began: float
    ) -> None:
        self._options, self._outset, self._home = options, outset, home
        self._folder, self._watcher, self._began = folder, watcher, began
        self._packed_s = self.setup_s = 0.0
        self._packing: float | None = None  # since when

    def run(self, configs: Sequence[TrialConfig]) -> tuple[Preflight, list[Work], list[Measured]]:
        """Try the data and the models, and time some of `configs`: by one worker, and by all at once."""
        heavy = heaviest(self._outset.space)
        with self._crew(self._options) as crew:
            ready = try_out(self._outset, self._home, crew, self._stage, [*configs, *heavy])
            for note in ready.notes:
                self._watcher.note(note)
            tried_s = monotonic() - self._began - self._packed_s
            work = works([ready.numerics.settle(config) for config in [*configs, *heavy]], ready.costs, ready)
            drawn, chosen = work[: len(configs)], choose(work[: len(configs)], work[len(configs) :])
            with crew.executor(crew.placements(ready), None) as executor:
                together = measure(executor, chosen, ready, self._folder / "together", self._watcher.stage)
        self.setup_s = tried_s + together.ready_s + AROUND_S
        if together.workers == 1:
            return ready, drawn, [together]
        with self._crew(replace(self._options, workers=1)) as crew, crew.executor(crew.placements(ready), None) as one:
            return ready, drawn, [measure(one, chosen, ready, self._folder / "alone", self._watcher.stage), together]

    def _crew(self, options: RunOptions) -> LocalCrew:
        return LocalCrew(options, self._outset.config.devices, self._folder / "workers", None)

    def _stage(self, stage: str, done: int, total: int) -> None:
        """Pass a stage on; images are packed once, and not in the search any more."""
        now = monotonic()
        if self._packing is not None:
            self._packed_s += now - self._packing
        self._packing = now if total else None
        self._watcher.stage(stage, done, total)


def _prospect(
    outset: Outset,
    goal: Goal,
    ready: Preflight,
    drawn: Sequence[Work],
    foreseen: int,
    measured: Measured,
    setup_s: float,
) -> Prospect:
    """What the search comes to with the workers of `measured`, `foreseen` as in Sample."""
    settings, config = outset.settle(ready, measured.workers), outset.config
    direction, *others = config.objective.directions
    a_step = config.epochs_a_step
    in_steps = replace(goal, epochs=None if goal.epochs is None else ceil(goal.epochs / a_step))
    searched = Searched(outset.space, settings, direction, config.steps, in_steps, tuple(others))
    prices = [
        Price(work.config.steps, work.config.epochs_a_step * measured.model.epoch_s(work))
        for work in drawn  # where trials have folds, an epoch of the simulation is one of these
    ]
    ahead = forecast(searched, Prices(prices, foreseen), measured.start_s, measured.workers)
    return Prospect(settings, measured, replace(ahead, epochs=ahead.epochs.times(a_step)), setup_s)


def _judged(
    outset: Outset,
    goal: Goal,
    name: str,
    standing: _Standing,
    ready: Preflight,
    prospects: tuple[Prospect, ...],
    home: Home,
) -> Plan:
    """The plan, with what is unwise about it."""
    space, measured = outset.space, prospects[-1].measured
    judged = _circumstances(outset, goal, ready, prospects[-1], home)
    return Plan(
        name,
        outset.options.trials,
        standing.trials,
        int(space.size()) if isfinite(space.size()) else None,
        prospects,
        judged.memory,
        judged.disk,
        Precision(ready.val_images, least_difference(ready.val_images)),
        Precision(ready.test_images, expected_width(ready.test_images)),
        (*_failed(measured), *advice(judged)),
    )


def _circumstances(outset: Outset, goal: Goal, ready: Preflight, asked: Prospect, home: Home) -> Circumstances:
    """What advice on the search that was asked for follows from."""
    settings, measured, config = asked.settings, asked.measured, outset.config
    strategy = _strategy(outset, settings)
    peak = measured.largest.timing.peak_bytes
    return Circumstances(
        facts=replace(outset.facts, workers=measured.workers, steps=measured.median.work.steps),
        settings=settings,
        size=strategy.size(),
        data=config.data,
        ready=ready,
        start_s=measured.start_s,
        epoch_s=measured.median.timing.epoch_s,
        memory=Room(None if peak is None else measured.workers * peak, free_bytes()),
        disk=Room(_checkpoints(strategy, goal, measured.workers, ready), shutil.disk_usage(home.root).free),
    )


def _checkpoints(strategy: Strategy, goal: Goal, workers: int, ready: Preflight) -> int | None:
    """The bytes of all checkpoints that are there at once, at most; None where that is not known or has no bound."""
    record = StrategyRecord("", one_in=strategy.one_in, rungs=strategy.rungs)
    kept = most_at_once(record, goal.most_trials, workers, strategy.size()) if strategy.rungs else workers + KEPT
    return None if kept is None or ready.checkpoint_bytes is None else kept * ready.checkpoint_bytes


def _failed(measured: Measured) -> list[str]:
    """A sentence where the largest configuration could not be trained."""
    failure = measured.largest.timing.failure
    return [f"the largest configuration failed as {measured.workers} ran at once: {failure}"] if failure else []
