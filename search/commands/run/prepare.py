"""What `hpo run` does before the first trial: check the command, pack, try the models, open the study."""

from collections.abc import Callable
from dataclasses import dataclass

from ....errors import SpaceError
from ....spaces.dump import dump_space
from ....spaces.load import load_space
from ....spaces.probe import corners
from ....spaces.space import SearchSpace
from ....studies import attributes
from ....studies.book.open_study import Identity, Study, begun_with, open_study
from ....studies.files import write_study_files
from ....studies.home import Home
from ....studies.store.storage import BaseStorage
from ....studies.study_name import refusal
from ....studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from ....training.config import TrialConfig
from ....training.models.source import source_digest
from ...configuration.configure import configure
from ...configuration.example import example_config
from ...configuration.identify import identify
from ...configuration.model_copies import ModelCopies
from ...configuration.models_to_try import models_to_try
from ...executors.devices import check_device, place, requested_cards, threads_on_cpu
from ...executors.preflight import Preflight, Stage, preflight
from ...executors.worker_process import Placement
from ...progress.base import Progress, Standing
from ...resolve.trust import model_files
from ...strategy.rehearsal import rehearse
from ...strategy.strategy import Strategy, build_strategy
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
    stores: Stores | None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name


def check_command(options: RunOptions) -> SearchSpace:
    """Check the command itself, and return its space.

    What is wrong with it is told before a file is made or an image read.
    """
    check_device(options.device)
    rehearse(options.sampler, options.pruner)  # a missing package is found here, not at the first trial
    space = load_space(options.space, TrialConfig, options.space_overrides(None))
    if options.study is None and (refused := refusal(space.name)):
        raise SpaceError(f"space {options.space}: a study's name {refused} with --study")
    return space


def prepare(options: RunOptions, home: Home, storage: BaseStorage, space: SearchSpace, watcher: Watcher) -> Prepared:
    """Pack the data, try the models, place workers, open the study."""
    space = _as_begun(space, options, storage)
    config = example_config(space)
    name = options.study or space.name
    stores = choose_stores(options.tracking_uri, home, name, watcher.note) if "mlflow" in options.track else None
    models = {model: source_digest(model) for model in model_files(space)}  # as they are tried, and no later edit
    ready = preflight(
        _with_auto_compile(space, config),
        models=models_to_try(space),
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
    study = open_study(storage, name, identity, accept_change=options.accept_space_change, note=watcher.note)
    study.set_user_attr(attributes.VAL_IMAGES, ready.val_images)
    strategy = build_strategy(
        space,
        strategy="pruning",
        sampler=options.sampler,
        pruner=options.pruner,
        seed=identity.seed,
        direction=identity.direction,
        epochs=config.budget.epochs,
        trials=options.trials,
    )
    ModelCopies(home.models(name), models).keep()
    return Prepared(options, home, study, strategy, space, identity, ready, placements, stores)


def _with_auto_compile(space: SearchSpace, config: TrialConfig) -> TrialConfig:
    """Return `config` with `compile: auto`, if a trial may have that.

    Preflight must find out then whether compiling pays.
    """
    asked = any(configure(space, params).compile == "auto" for params in corners(space, "compile"))
    return config.model_copy(update={"compile": "auto"}) if asked else config


def _as_begun(space: SearchSpace, options: RunOptions, storage: BaseStorage) -> SearchSpace:
    """Return the space with what a study that is continued began with.

    Its seed, but for one that is given; of an older version's study the epoch that counts, where the space says none.
    """
    begun = begun_with(storage, options.study or space.name)
    if begun is None:
        return space
    unsaid = ["objective.at=best"] if begun.at_best and "objective.at" not in space.fixed else []
    return load_space(options.space, TrialConfig, [*options.space_overrides(begun.seed), *unsaid])


def record_run(prepared: Prepared, device: str) -> None:
    """Write how the study is run beside its trials."""
    identity, options = prepared.identity, prepared.options
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
            "sampler": options.sampler,
            "pruner": options.pruner,
            "pack": str(prepared.ready.pack.relative_to(prepared.home.root)),
            "numerics": prepared.ready.numerics.to_json(),
        },
    )
