"""The outset of a search: what its command says, its space, its images and models, before there is a study."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import ceil

from ....errors import SpaceError
from ....spaces.load import load_space
from ....spaces.probe import corners
from ....spaces.space import SearchSpace
from ....studies.book.first_trials import FirstTrial
from ....studies.book.holdings import FINISHED
from ....studies.book.open_study import Begun
from ....studies.home import Home
from ....studies.store.storage import BaseStorage
from ....studies.study_name import refusal
from ....training.config import TrialConfig
from ...configuration.configure import configure
from ...configuration.example import example_config
from ...configuration.largest import largest_configs
from ...configuration.models_to_try import models_to_try
from ...configuration.search_settings import SearchNames, SearchSettings, going_on, said_in, settle_search
from ...configuration.space_file import SpaceFile
from ...configuration.try_file import read_try_file
from ...executors.devices import check_device
from ...executors.preflight import Preflight, Stage, preflight
from ...resolve.trust import name_sampler
from ...strategy.rehearsal import rehearse
from ...strategy.strategies.auto import Facts
from .crew import Crew
from .options import RunOptions


@dataclass(frozen=True, slots=True)
class Command:
    """What a command says: its space, how that is to be searched, and the trials that it is to begin with."""

    options: RunOptions
    space: SearchSpace
    names: SearchNames
    tried: Sequence[FirstTrial]


def check_command(options: RunOptions, note: Callable[[str], None]) -> Command:
    """Check the command itself, and return what it says.

    What is wrong with it is told before a file is made or an image read.
    """
    check_device(options.device)
    space = load_space(options.space, SpaceFile, options.space_overrides(None))
    names = SearchNames(options.strategy, options.sampler, options.pruner, options.audit).over(said_in(space))
    # the command or a space of the user's says them, and no study; what nobody names is hpo's own, and needs no check
    sampler, pruner = names.sampler or "random", names.pruner or "none"
    name_sampler(sampler, note)
    further = [each["direction"] for each in space.fixed.get("objective.also", ())]
    names.check(several=bool(further))
    if further and options.until_converged:
        raise SpaceError(f"--until-converged follows one objective, got {1 + len(further)}; give another end")
    rehearse(space, sampler, pruner, further)  # a missing package is found here, not at the first trial
    tried = [] if options.try_file is None else read_try_file(options.try_file, space)
    if options.study is None and (refused := refusal(space.name)):
        raise SpaceError(f"space {options.space}: a study's name {refused} with --study")
    return Command(options, space, names, tried)


@dataclass(frozen=True, slots=True)
class Outset:
    """A search before its images are read: its space, one of its configurations, and what its strategy follows from."""

    options: RunOptions
    space: SearchSpace
    config: TrialConfig
    names: SearchNames
    facts: Facts

    def settle(self, ready: Preflight, workers: int) -> SearchSettings:
        """How the images of `ready` are searched by so many workers."""
        steps = ceil(ready.train_images / self.config.data.batch_size)
        return settle_search(self.names, replace(self.facts, workers=workers, steps=steps))


def finished_trials(storage: BaseStorage, name: str) -> int:
    """Count a study's ended trials; 0 where there is no study."""
    try:
        return storage.get_n_trials(storage.get_study_id_from_name(name), FINISHED)
    except KeyError:  # Optuna's for a study that is not there
        return 0


def set_out(command: Command, begun: Begun | None) -> Outset:
    """Take what a study that goes on has `begun` with into account, None for a new one."""
    options = command.options
    space = _as_begun(command.space, options, begun)
    config = example_config(space)
    names = going_on(command.names, begun and begun.strategy)
    facts = Facts(
        space,
        options.trials,
        config.steps,
        options.workers or 1,
        at_best=config.objective.at == "best",
        several=bool(config.objective.also),
        folds=config.data.folds or 0,
    )
    return Outset(options, space, config, names, facts)


def try_out(outset: Outset, home: Home, crew: Crew, stage: Stage, costed: Sequence[TrialConfig] = ()) -> Preflight:
    """Pack the data and try the models where the `crew` will train; `costed` as in `preflight`.

    Raises:
        HpoError: the data or a model is wrong.
    """
    options, space = outset.options, outset.space
    return preflight(
        _with_auto_compile(space, outset.config),
        models=models_to_try(space),
        # paused trials keep their checkpoints; what has no pruner pauses some
        measured=largest_configs(space) if costed or settle_search(outset.names, outset.facts).pruner is None else [],
        costed=costed,
        cache=home.cache,
        data_root=options.data_root,
        cards=crew.cards,
        threads=crew.threads,
        progress=stage,
        skip_export_check=options.skip_export_check,
    )


def _with_auto_compile(space: SearchSpace, config: TrialConfig) -> TrialConfig:
    """Return `config` with `compile: auto`, if a trial may have that.

    Preflight must find out then whether compiling pays.
    """
    asked = any(configure(space, params).compile == "auto" for params in corners(space, "compile"))
    return config.model_copy(update={"compile": "auto"}) if asked else config


def _as_begun(space: SearchSpace, options: RunOptions, begun: Begun | None) -> SearchSpace:
    """Return the space with what a study that is continued began with.

    Its seed, but for one that is given; of an older version's study the epoch that counts, where the space says none.
    """
    if begun is None:
        return space
    unsaid = ["objective.at=best"] if begun.at_best and "objective.at" not in space.fixed else []
    return load_space(options.space, SpaceFile, [*options.space_overrides(begun.seed), *unsaid])
