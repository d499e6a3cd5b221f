"""What `hpo run` does before the first trial: check the command, pack, try the models, open the study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ....errors import StudyError
from ....spaces.dump import dump_space
from ....spaces.space import SearchSpace
from ....studies import attributes
from ....studies.book.first_trials import FirstTrial
from ....studies.book.open_study import Identity, Study, begun_with, open_study
from ....studies.files import write_study_files
from ....studies.home import Home
from ....studies.records.strategy import StrategyRecord
from ....studies.shared_files.object_store import ObjectStore
from ....studies.shared_files.study_files import StudyFiles
from ....studies.store.patience import Patience
from ....studies.store.storage import BaseStorage
from ....studies.tracking.mlflow.rehearsal import Rehearsal
from ....studies.tracking.mlflow.stores import Stores, choose_stores, keep_stores
from ....training.models.source import source_digest
from ...configuration.identify import identify
from ...configuration.model_copies import ModelCopies
from ...configuration.old_trials import old_trials_note
from ...configuration.search_settings import SearchSettings, settings_in
from ...configuration.warm_start import warm_start
from ...executors.preflight import Preflight, Stage
from ...executors.worker_process import Placement
from ...loop.goal import Goal
from ...progress.base import Progress, Standing
from ...resolve.trust import model_files
from ...strategy.strategy import Strategy, build_strategy
from .crew import Crew
from .disk import disk_note
from .options import RunOptions
from .outset import Command, set_out, try_out
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
class Prepared:
    """A search that is about to begin; of the trials `only`, or of all for None."""

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
    only: frozenset[int] | None = None

    @property
    def name(self) -> str:
        """The study's name."""
        return self.study.study_name


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
    outset = set_out(command, patience(lambda: begun_with(storage, name)))
    space, config = outset.space, outset.config
    first = [*command.tried, *patience(lambda: [*_warm_starts(options.warm_start, name, storage, space)])]
    stores = choose_stores(options.tracking_uri, home, name, watcher.note) if "mlflow" in options.track else None
    rehearsal = Rehearsal(stores, name)  # goes on while the models are tried
    models = {model: source_digest(model) for model in model_files(space)}  # as they are tried, and no later edit
    ready = try_out(outset, home, crew, watcher.stage)
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
    settings = outset.settle(ready, len(placements))
    audit_since = patience(lambda: _audit_since(study))
    strategy = build_strategy(
        space,
        **settings.names,
        audit_since=audit_since,
        seed=identity.seed,
        direction=identity.direction,
        others=[*identity.further.values()],
        epochs=config.steps,
        trials=options.trials,
    )
    record = patience(lambda: _keep_settings(study, settings, strategy, audit_since, watcher.note))
    limits = Goal(options.trials, epochs=options.max_epochs_total, epochs_a_step=config.epochs_a_step)
    if told := disk_note(record, limits.most_trials, len(placements), ready.checkpoint_bytes, strategy.size()):
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


def _audit_since(study: Study) -> int:
    """The first trial that may be audited: in a study that has had no audit so far, the next one that is made."""
    before = StrategyRecord.from_attributes(study.user_attrs)
    if before is None:
        return 0
    return before.audit_since if before.audit else len(study.get_trials(deepcopy=False))


def _keep_settings(
    study: Study, settings: SearchSettings, strategy: Strategy, audit_since: int, note: Callable[[str], None]
) -> StrategyRecord:
    """Keep how the study is searched, for whoever goes on with it; say what was picked, and what is new to it."""
    before = StrategyRecord.from_attributes(study.user_attrs)
    if settings.picked:
        note(f"strategy {settings.strategy}, picked by auto: {settings.picked}")
    names = settings.strategy, settings.sampler, settings.pruner or ""
    was = None if before is None else settings_in(before)
    if was is not None and was.names != settings.names:
        note(f"study {study.study_name} goes on with {settings.words}; so far it had {was.words}")
    if settings.audit and settings.pruner == "none":
        note(f"audit {settings.audit:g}: pruner none stops nothing, so that there is nothing to audit")
    is_picked = bool(settings.picked) or (before is not None and before.picked and before.strategy == settings.strategy)
    record = StrategyRecord(*names, strategy.one_in, strategy.rungs, is_picked, settings.audit or 0.0, audit_since)
    study.set_user_attr(attributes.STRATEGY, record.to_attribute())
    return record


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
            "threads": prepared.placements[0].threads,  # sums on a CPU depend on how many there are
        },
    )
