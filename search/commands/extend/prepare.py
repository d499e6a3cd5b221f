"""What `hpo extend` does before its first trial: the images, the line, the checkpoints to go on from."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ....common.plural import plural
from ....errors import DataError, StudyError
from ....spaces.load import load_space
from ....spaces.space import SearchSpace
from ....studies import attributes
from ....studies.book.extensions import put_in_line
from ....studies.book.open_study import Study
from ....studies.files import SPACE_FILE, noted_run
from ....studies.home import Home
from ....studies.records.study import StudySummary
from ....studies.shared_files.location import given_location
from ....studies.shared_files.study_files import choose_store, noted_files
from ....studies.store.patience import Patience
from ....studies.store.storage import BaseStorage
from ....studies.tracking.mlflow.rehearsal import Rehearsal
from ....studies.tracking.mlflow.stores import choose_stores
from ....training.checkpoints.still import hand_on
from ....training.length import begins_as
from ...configuration.identify import identify
from ...configuration.search_settings import SearchSettings, settings_in
from ...configuration.space_file import SpaceFile
from ...executors.preflight import Preflight, preflight
from ...executors.worker_process import Placement
from ...strategy.strategy import Strategy, build_strategy
from ..run.crew import Crew
from ..run.options import RunOptions
from ..run.prepare import Prepared, Watcher
from ..run.share import share_study
from .choose import Chosen
from .options import ExtendOptions


@dataclass(frozen=True, slots=True)
class Opened:
    """A study that is there: its store, itself, and how it stands."""

    storage: BaseStorage
    study: Study
    summary: StudySummary

    @property
    def name(self) -> str:
        """The study's name."""
        return self.summary.study


def prepare(
    options: ExtendOptions,
    run_options: RunOptions,
    home: Home,
    opened: Opened,
    chosen: Sequence[Chosen],
    crew: Crew,
    watcher: Watcher,
    patience: Patience,
) -> tuple[Prepared, list[int]]:
    """Pack the images, put the trials in line, and hand checkpoints on; also return the trials' numbers.

    `run_options` are those of a search that is run in the same way.

    Raises:
        DataError: the images are not those of the study.
        StudyError: the space of the study is not in this home.
    """
    name, config = opened.name, chosen[0].config
    space = _space(home, name)
    shared = choose_store(
        given_location(options.checkpoint_dir), patience(lambda: noted_files(opened.storage, name)), name, watcher.note
    )
    stores = choose_stores(options.tracking_uri, home, name, watcher.note) if "mlflow" in options.track else None
    rehearsal = Rehearsal(stores, name)
    ready = preflight(
        config,
        cache=home.cache,
        data_root=options.data_root,
        cards=crew.cards,
        threads=crew.threads,
        progress=watcher.stage,
        skip_export_check=True,  # they were tried as the study began
    )
    for note in ready.notes:
        watcher.note(note)
    rehearsal.check()
    _check_data(ready, opened.summary)
    placements = crew.placements(ready)
    alike = _is_alike(noted_run(home, name), placements[0])
    numbers = patience(lambda: put_in_line(opened.study, [each.extension for each in chosen]))
    for each, number in zip(chosen, numbers, strict=True):
        if number < len(opened.summary.trials):
            watcher.note(f"{_words(each, number)}, and was put in line before")
        else:
            watcher.note(f"{_words(each, number)}, {_begin(home, name, each, number, alike=alike)}")
    files = patience(lambda: share_study(opened.storage, name, shared, options.checkpoint_dir))
    identity = identify(space, config, fingerprint=ready.fingerprint, command=options.command)
    record = opened.summary.strategy
    settings = SearchSettings("", "") if record is None else settings_in(record)
    only = frozenset(numbers)
    prepared = Prepared(
        run_options, home, opened.study, _idle(space, identity.seed), space, identity, ready, placements, settings,
        stores, files, only,
    )  # fmt: skip
    return prepared, numbers


def _space(home: Home, name: str) -> SearchSpace:
    """The space of a study as its newest run has kept it; no trial is drawn from it."""
    file = home.study(name, SPACE_FILE)
    if not file.exists():
        raise StudyError(f"study {name} has no {SPACE_FILE} in {home.root}; extend it where it was searched")
    return load_space(str(file), SpaceFile)


def _check_data(ready: Preflight, summary: StudySummary) -> None:
    before = str(summary.attributes.get(attributes.DATA_FINGERPRINT, ""))
    if before != ready.fingerprint:
        raise DataError(
            f"study {summary.study}: the images must be the same as then (fingerprint {before[:12]}), got "
            f"{ready.fingerprint[:12]}\n  bring them back; what other images bring cannot be compared"
        )


def _is_alike(noted: Mapping[str, Any], placement: Placement) -> bool:
    """Whether the study's newest run has computed as this one does: on such a device, and with as many threads."""
    kind = str(noted.get("device", "")).partition(":")[0]
    return kind == placement.device.partition(":")[0] and noted.get("threads") == placement.threads


def _words(chosen: Chosen, number: int) -> str:
    epochs = chosen.extension.epochs
    return f"trial {number} trains the configuration of trial {chosen.record.number} to {plural(epochs, 'epoch')}"


def _begin(home: Home, study: str, chosen: Chosen, number: int, *, alike: bool) -> str:
    """Hand on the checkpoint that a trial can go on from, and say from where it begins.

    It is handed on where the trial would come to the same by itself, only later: a replay begins at the beginning.
    """
    parent, schedule = chosen.record.number, chosen.config.schedule.name
    if not begins_as(chosen.config, chosen.before):
        return f"from the beginning: a {schedule} schedule of more epochs is another one"
    if not alike:
        return "from the beginning: its first epochs had another device or other threads, whose sums are others"
    with suppress(OSError):
        if done := hand_on(home.trial(study, parent), home.trial(study, number)):
            return f"from the checkpoint of epoch {done}"
    return f"from the beginning: trial {parent} has kept no checkpoint to go on from"


def _idle(space: SearchSpace, seed: int) -> Strategy:
    """A strategy that stops nothing, and is asked for nothing: the trials that are run were chosen by a person."""
    return build_strategy(
        space, strategy="pruning", sampler="random", pruner="none", seed=seed, direction="maximize", epochs=1
    )
