"""What `hpo run` does before the first trial: check the command, pack, try the models, open the study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from ....errors import SpaceError, StudyError
from ....spaces.dump import dump_space
from ....spaces.load import load_space
from ....spaces.probe import corners
from ....spaces.space import SearchSpace
from ....studies import attributes
from ....studies.book.first_trials import FirstTrial
from ....studies.book.open_study import Begun, Identity, Study, begun_with, open_study
from ....studies.files import write_study_files
from ....studies.home import Home
from ....studies.records.strategy import StrategyRecord
from ....studies.shared_files.object_store import ObjectStore
from ....studies.shared_files.study_files import StudyFiles
from ....studies.store.patience import Patience
from ....studies.store.storage import BaseStorage
from ....studies.study_name import refusal
from ....studies.tracking.mlflow.rehearsal import Rehearsal
from ....studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from ....training.config import TrialConfig
from ....training.models.source import source_digest
from ...configuration.configure import configure
from ...configuration.example import example_config
from ...configuration.identify import identify
from ...configuration.largest import largest_configs
from ...configuration.model_copies import ModelCopies
from ...configuration.models_to_try import models_to_try
from ...configuration.old_trials import old_trials_note
from ...configuration.search_settings import SearchNames, SearchSettings, going_on, said_in, settle_search
from ...configuration.space_file import SpaceFile
from ...configuration.try_file import read_try_file
from ...configuration.warm_start import warm_start
from ...executors.devices import check_device, threads_on_cpu
from ...executors.preflight import Preflight, Stage, preflight
from ...executors.worker_process import Placement
from ...loop.goal import Goal
from ...progress.base import Progress, Standing
from ...resolve.trust import model_files, name_sampler
from ...strategy.rehearsal import rehearse
from ...strategy.strategies.auto import Facts
from ...strategy.strategy import Strategy, build_strategy
from .crew import Crew
from .disk import disk_note
from .options import RunOptions
from .share import share_study


@dataclass(frozen=True, slots=True)
class Watcher:
    """The view of a search: its preparation, its progress, its notes.

    `stage` shows the preparation, `progress` makes the view of the search from where the study stands.
    """

    stage: Stage
    progress: Callable[[Standing], Progress]
    note: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Command:
    """What a command says: its space, how that is to be searched, and the trials that it is to begin with."""

    options: RunOptions
    space: SearchSpace
    names: SearchNames
    tried: Sequence[FirstTrial]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A search that is about to begin."""

    options: RunOptions
    home: Home
    study: Study
    strategy: Strategy
    space: SearchSpace
    identity: Identity
    ready: Preflight
    placements: list[Placement]
    settings: SearchSettings
    stores: Stores | None
    shared: StudyFiles | None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name


def check_command(options: RunOptions, note: Callable[[str], None]) -> Command:
    """Check the command itself, and return what it says.

    What is wrong with it is told before a file is made or an image read.
    """
    check_device(options.device)
    space = load_space(options.space, SpaceFile, options.space_overrides(None))
    names = SearchNames(options.strategy, options.sampler, options.pruner).over(said_in(space))
    names.check()
    # the command or a space of the user's says them, and no study; what nobody names is hpo's own, and needs no check
    sampler, pruner = names.sampler or "random", names.pruner or "none"
    name_sampler(sampler, note)
    rehearse(space, sampler, pruner)  # a missing package is found here, not at the first trial
    tried = [] if options.try_file is None else read_try_file(options.try_file, space)
    if options.study is None and (refused := refusal(space.name)):
        raise SpaceError(f"space {options.space}: a study's name {refused} with --study")
    return Command(options, space, names, tried)


def prepare(
    command: Command,
    home: Home,
    storage: BaseStorage,
    shared: ObjectStore | None,
    crew: Crew,
    watcher: Watcher,
    patience: Patience,
) -> Prepared:
    """Pack the data, try the models, place the `crew`, open the study, with `patience` where its store is away.

    Its files are to be `shared` with other machines, or stay in `home`.
    """
    options = command.options
    name = options.study or command.space.name
    begun = patience(lambda: begun_with(storage, name))
    space = _as_begun(command.space, options, begun)
    first = [*command.tried, *patience(lambda: [*_warm_starts(options.warm_start, name, storage, space)])]
    config = example_config(space)
    names = going_on(command.names, begun and begun.strategy)
    facts = Facts(space, options.trials, config.budget.epochs, options.workers or 1, config.objective.at == "best")
    stores = choose_stores(options.tracking_uri, home, name, watcher.note) if "mlflow" in options.track else None
    rehearsal = Rehearsal(stores, name)  # goes on while the models are tried
    models = {model: source_digest(model) for model in model_files(space)}  # as they are tried, and no later edit
    ready = preflight(
        _with_auto_compile(space, config),
        models=models_to_try(space),
        # paused trials keep their checkpoints; what has no pruner pauses some
        measured=largest_configs(space) if settle_search(names, facts).pruner is None else [],
        cache=home.cache,
        data_root=options.data_root,
        cards=crew.cards,
        threads=threads_on_cpu(options.workers, config.devices),
        progress=watcher.stage,
        skip_export_check=options.skip_export_check,
    )
    for note in ready.notes:
        watcher.note(note)
    rehearsal.check()
    ready = crew.check(ready, config, models)
    placements = crew.placements(ready)  # before the study is made
    identity = identify(space, config, fingerprint=ready.fingerprint, command=options.command, models=models)
    accept = options.accept_space_change
    study = patience(lambda: open_study(storage, name, identity, accept_change=accept, note=watcher.note, first=first))
    if accept and (told := patience(lambda: old_trials_note(space, _begun_trials(study)))):
        watcher.note(told)
    patience(lambda: study.set_user_attr(attributes.VAL_IMAGES, ready.val_images))
    steps = ceil(ready.train_images / config.data.batch_size)
    settings = settle_search(names, replace(facts, workers=len(placements), steps=steps))
    strategy = build_strategy(
        space,
        **settings.names,
        seed=identity.seed,
        direction=identity.direction,
        epochs=config.budget.epochs,
        trials=options.trials,
    )
    record = patience(lambda: _keep_settings(study, settings, strategy, watcher.note))
    most_trials = Goal(options.trials, epochs=options.max_epochs_total).most_trials
    if told := disk_note(record, most_trials, len(placements), ready.checkpoint_bytes, strategy.size()):
        watcher.note(told)
    ModelCopies(home.models(name), models).keep()
    files = patience(lambda: share_study(storage, name, shared, options.checkpoint_dir))
    return Prepared(options, home, study, strategy, space, identity, ready, placements, settings, stores, files)


def _warm_starts(studies: Sequence[str], name: str, storage: BaseStorage, space: SearchSpace) -> Iterator[FirstTrial]:
    """The best trials of other `studies`, with which study `name` begins."""
    if name in studies:
        raise StudyError(f"--warm-start {name}: a study cannot begin with its own trials")
    for study in studies:
        yield from warm_start(storage, study, space)


def _begun_trials(study: Study) -> dict[int, Mapping[str, Any]]:
    """The parameters of the trials that have any."""
    return {trial.number: trial.params for trial in study.get_trials(deepcopy=False) if trial.params}


def _keep_settings(
    study: Study, settings: SearchSettings, strategy: Strategy, note: Callable[[str], None]
) -> StrategyRecord:
    """Keep how the study is searched, for whoever goes on with it; say what was picked, and what is new to it."""
    before = StrategyRecord.from_attributes(study.user_attrs)
    if settings.picked:
        note(f"strategy {settings.strategy}, picked by auto: {settings.picked}")
    names = settings.strategy, settings.sampler, settings.pruner or ""
    if before is not None and (before.strategy, before.sampler, before.pruner) != names:
        was = SearchSettings(before.strategy, before.sampler, before.pruner or None)
        note(f"study {study.study_name} goes on with {settings.words}; so far it had {was.words}")
    is_picked = bool(settings.picked) or (before is not None and before.picked and before.strategy == settings.strategy)
    record = StrategyRecord(*names, strategy.one_in, strategy.rungs, is_picked)
    study.set_user_attr(attributes.STRATEGY, record.to_attribute())
    return record


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


def record_run(prepared: Prepared, device: str) -> None:
    """Write how the study is run beside its trials."""
    identity = prepared.identity
    if prepared.stores is not None:
        keep_stores(prepared.home, prepared.name, prepared.stores)
    write_study_files(
        prepared.home,
        prepared.name,
        space=dump_space(prepared.space),
        seed=identity.seed,
        data_fingerprint=identity.fingerprint,
        device=device,
        command=identity.command,
        extra={
            **prepared.settings.names,
            "pack": str(prepared.ready.pack.relative_to(prepared.home.root)),
            "numerics": prepared.ready.numerics.to_json(),
            # sums on a CPU depend on how many there are; a training in this process has its own
            "threads": prepared.placements[0].threads if prepared.options.executor != "inline" else None,
        },
    )
