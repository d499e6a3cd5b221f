"""What `hpo run` does before the first trial: check the command, pack, try the models, open the study."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

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
from ....studies.store.storage import BaseStorage
from ....studies.study_name import refusal
from ....studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from ....training.config import TrialConfig
from ....training.models.source import source_digest
from ...configuration.configure import configure
from ...configuration.example import example_config
from ...configuration.identify import identify
from ...configuration.largest import largest_configs
from ...configuration.model_copies import ModelCopies
from ...configuration.models_to_try import models_to_try
from ...configuration.search_settings import SearchSettings, kept_in, said_in, settle_search
from ...configuration.space_file import SpaceFile
from ...configuration.try_file import read_try_file
from ...configuration.warm_start import warm_start
from ...executors.devices import check_device, place, requested_cards, threads_on_cpu
from ...executors.preflight import Preflight, Stage, preflight
from ...executors.worker_process import Placement
from ...loop.goal import Goal
from ...progress.base import Progress, Standing
from ...resolve.trust import model_files, name_sampler
from ...strategy.rehearsal import rehearse
from ...strategy.strategies.auto import Facts, Pick, pick
from ...strategy.strategy import Strategy, build_strategy
from .disk import disk_note
from .options import RunOptions


@dataclass(frozen=True, slots=True)
class Watcher:
    """The view of a search: its preparation, its progress, its notes.

    `stage` shows the preparation, `progress` makes the view of the search from where the study stands.
    """

    stage: Stage
    progress: Callable[[Standing], Progress]
    note: Callable[[str], None]


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

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name


def check_command(options: RunOptions, note: Callable[[str], None]) -> SearchSpace:
    """Check the command itself, and return its space.

    What is wrong with it is told before a file is made or an image read.
    """
    check_device(options.device)
    space = load_space(options.space, SpaceFile, options.space_overrides(None))
    settings = _settle(options, space, options.workers or 1)
    name_sampler(settings.sampler, note)  # the command or a space of the user's says it, and no study
    # a missing package is found here, not at the first trial
    rehearse(space, settings.sampler, settings.pruner or "none")
    if options.try_file is not None:
        read_try_file(options.try_file, space)
    if options.study is None and (refused := refusal(space.name)):
        raise SpaceError(f"space {options.space}: a study's name {refused} with --study")
    return space


def prepare(options: RunOptions, home: Home, storage: BaseStorage, space: SearchSpace, watcher: Watcher) -> Prepared:
    """Pack the data, try the models, place workers, open the study."""
    name = options.study or space.name
    begun = begun_with(storage, name)
    space = _as_begun(space, options, begun)
    first = _first_trials(options, name, storage, space)
    config = example_config(space)
    stores = choose_stores(options.tracking_uri, home, name, watcher.note) if "mlflow" in options.track else None
    models = {model: source_digest(model) for model in model_files(space)}  # as they are tried, and no later edit
    ready = preflight(
        _with_auto_compile(space, config),
        models=models_to_try(space),
        measured=_measured(options, space, begun),
        cache=home.cache,
        data_root=options.data_root,
        cards=requested_cards(options.device),
        threads=threads_on_cpu(options.workers),
        progress=watcher.stage,
        skip_export_check=options.skip_export_check,
    )
    for note in ready.notes:
        watcher.note(note)
    placements = place(options.device, options.workers, ready.gpus)  # before the study is made
    identity = identify(space, config, fingerprint=ready.fingerprint, command=options.command, models=models)
    accept = options.accept_space_change
    study = open_study(storage, name, identity, accept_change=accept, note=watcher.note, first=first)
    study.set_user_attr(attributes.VAL_IMAGES, ready.val_images)
    settings = _settle(options, space, len(placements), begun and begun.strategy, ready.train_images)
    strategy = build_strategy(
        space,
        **settings.names,
        seed=identity.seed,
        direction=identity.direction,
        epochs=config.budget.epochs,
        trials=options.trials,
    )
    record = _keep_settings(study, settings, strategy, watcher.note)
    most_trials = Goal(options.trials, epochs=options.max_epochs_total).most_trials
    if told := disk_note(record, most_trials, len(placements), ready.checkpoint_bytes):
        watcher.note(told)
    ModelCopies(home.models(name), models).keep()
    return Prepared(options, home, study, strategy, space, identity, ready, placements, settings, stores)


def _first_trials(options: RunOptions, name: str, storage: BaseStorage, space: SearchSpace) -> list[FirstTrial]:
    """What `--try` and `--warm-start` put in line before anything is drawn."""
    if name in options.warm_start:
        raise StudyError(f"--warm-start {name}: a study cannot begin with its own trials")
    tried = [] if options.try_file is None else read_try_file(options.try_file, space)
    return [*tried, *(trial for study in options.warm_start for trial in warm_start(storage, study, space))]


def _settle(
    options: RunOptions,
    space: SearchSpace,
    workers: int,
    before: StrategyRecord | None = None,
    train_images: int | None = None,
) -> SearchSettings:
    """How the space is searched, by the flags, the space, and what its study has kept of its last run."""

    def auto(has_pruner: bool) -> Pick:
        if before is not None and before.picked and not has_pruner:
            return Pick(before.strategy, "as the study began")
        config = example_config(space)
        at_best = config.objective.at == "best"
        steps = None if train_images is None else ceil(train_images / config.data.batch_size)
        return pick(Facts(space, options.trials, config.budget.epochs, workers, at_best, has_pruner, steps))

    return settle_search(options.search, said_in(space), kept_in(before), auto=auto)


def _measured(options: RunOptions, space: SearchSpace, begun: Begun | None) -> list[TrialConfig]:
    """The configurations whose checkpoints are measured, since paused trials keep theirs; none where none pauses."""
    settings = _settle(options, space, options.workers or 1, begun and begun.strategy)
    return largest_configs(space) if settings.pruner is None else []  # what has no pruner pauses trials


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
    record = StrategyRecord(*names, strategy.eta, strategy.rungs, is_picked)
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
        },
    )
