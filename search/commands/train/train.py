"""`hpo train`, composed: one configuration -> data -> one training.

It has a folder of its own, and may go on at any time.
"""

import shlex
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....common.cores import available_cores
from ....common.plural import plural
from ....errors import SpaceError, StudyError
from ....studies.home import Home
from ....studies.store.locks import held_if_free
from ....training.checkpoints.training_folder import CALIBRATION, CONFIG, TrainingFolder
from ....training.config import TrialConfig
from ....training.data.pack import Pack
from ....training.data.prepare import prepare
from ....training.data.test_note import test_note
from ....training.machine.numerics import Numerics
from ....training.models.config import needs_trial
from ....training.report import IMPORTING, EpochReport, Status, TrainResult
from ...configuration.settle import settle
from ...progress.format import devices_words
from ...progress.single import RetrainWatcher
from ...resolve.data import refuse_home_as_data
from ...resolve.pack import same_data
from ...resolve.trust import admit_model
from ..follow import Asked, follow
from .options import TrainOptions
from .single import Single, choose_single

if TYPE_CHECKING:
    from ....spaces.parameter import Scalar

_LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class TrainOutcome:
    """A training that ended: its folder and its result."""

    directory: Path
    result: TrainResult

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo train --json` prints."""
        from ....training.loop.history import result_to_json

        return {"directory": str(self.directory), **result_to_json(self.result)}


def train(options: TrainOptions, watcher: RetrainWatcher) -> TrainOutcome:
    """Train one configuration, or go on with an interrupted training.

    Raises:
        HpoError: the space, the trial, the data, the folder or the device is wrong.
        KeyboardInterrupt: Ctrl-C; what is done is kept, and the same call with `resume` goes on.
    """
    home = Home.locate(options.home)
    single = choose_single(options, home) if options.space or options.trial else None
    if single is not None:
        refuse_home_as_data(home.root, single.config.data.source)
        admit_model(single.config.model, trust=options.trust, note=watcher.note, named=single.named)
    directory = _directory(options, home, single)
    watcher.busy(IMPORTING)
    from ....training.machine.device import choose_device

    device = choose_device(options.device, available_cores())
    home.create(watcher.note)
    with _alone(directory):
        folder, pack = _open(options, home, single, directory, device, watcher)
        return TrainOutcome(directory, _fit(folder, pack, device, watcher))


def _directory(options: TrainOptions, home: Home, single: Single | None) -> Path:
    """Return the training's folder; one with anything else is refused.

    Raises:
        SpaceError: the folder holds a training that was not asked for, or something else.
    """
    if options.out is None:
        assert single is not None  # only a training to go on with has no configuration, and it has a folder
        return _numbered(home.single_runs, single.name)
    directory = options.out.expanduser().absolute()
    if directory.exists() and not directory.is_dir():
        raise SpaceError(f"--out must name a directory, but {directory} is a file")
    if TrainingFolder.is_one(directory):
        if not options.resume:
            raise SpaceError(f"--out: {directory} holds a run already; --resume goes on with it")
    elif single is None:
        raise SpaceError(f"--resume: {directory} holds no run; give --space or --trial to begin one")
    # left by a start that came to nothing
    elif directory.exists() and {path.name for path in directory.iterdir()} - {CONFIG, _LOCK}:
        raise SpaceError(f"--out must be new or empty, but {directory} holds other files")
    return directory


def _numbered(parent: Path, name: str) -> Path:
    """The first of `name-1`, `name-2`, ... in `parent` that is not there."""
    number = 1
    while (parent / f"{name}-{number}").exists():
        number += 1
    return parent / f"{name}-{number}"


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Hold `directory`, made if needed, by this process alone.

    Two would write the same checkpoints.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpaceError(f"--out: {directory}: cannot be made: {error.strerror}") from error
    with held_if_free(directory / _LOCK) as free:
        if not free:
            raise StudyError(f"{directory} is being trained by another process; wait for it, then try again")
        yield


def _open(
    options: TrainOptions, home: Home, single: Single | None, directory: Path, device: str, watcher: RetrainWatcher
) -> tuple[TrainingFolder, Pack]:
    """Begin the training or open it again; return it and its data.

    What `auto` means is settled as it begins.
    """
    if not TrainingFolder.is_one(directory):
        assert single is not None  # `_directory` has refused the rest
        pack = prepare(single.config.data, cache=home.cache, data_root=options.data_root, progress=watcher.stage)
        tested = test_note(pack.size("test"), single.config.data, pack.given_splits)
        for note in (*pack.notes, _assumed(single.params), tested):
            watcher.note(note)
        _try(single.config, pack, skip_export=options.skip_export_check)
        config = settle(single.config, pack, device, home.cache, watcher)
        # the weights that stay are those of the last fold
        folder = TrainingFolder.create(directory, config, pack.views[-1], single.origin)
        return folder, pack
    folder = TrainingFolder.open(directory)
    if single is not None:
        _refuse_other(folder, single.config)
    trained_with = folder.model_source
    admit_model(folder.config.model, trust=options.trust, note=watcher.note, trained_with=trained_with)
    return folder, _same_pack(folder, home, options.data_root, watcher)


def _try(config: TrialConfig, pack: Pack, *, skip_export: bool) -> None:
    """Refuse a model that cannot be trained on these images or exported.

    That is before the folder holds a training.
    """
    from ....training.preflight.try_model import check_models

    if needs_trial(config.model):
        check_models([config], pack, skip_export=skip_export)


def _assumed(params: "dict[str, Scalar]") -> str:
    from ...progress.format import params_line

    return f"values of the dimensions: {params_line(params)}" if params else "no dimension is left open"


def _refuse_other(folder: TrainingFolder, config: TrialConfig) -> None:
    """Refuse to go on with another configuration than the training's own.

    Other values would train another model under its name.
    """
    # the folder has what `auto` meant as it began; the new configuration gets the same
    settled = Numerics.of(folder.config).settle(config)
    then, now = _flat(folder.config.model_dump()), _flat(settled.model_dump())
    keys = [key for key in {**then, **now} if then.get(key) != now.get(key)]
    if keys:
        # the first eight, since a message has three lines
        differing = "; ".join(f"{key}: {then.get(key)} -> {now.get(key)}" for key in keys[:8])
        raise SpaceError(
            f"--resume: {folder.path} began with another configuration\n  {differing}\n"
            "  --resume --out DIR alone goes on with it; another --out begins anew"
        )


def _flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _same_pack(folder: TrainingFolder, home: Home, data_root: Path | None, watcher: RetrainWatcher) -> Pack:
    """Return the training's own pack, prepared again if it is gone.

    Raises:
        DataError: the source is missing, or its images are no longer those of the training.
    """
    if (folder.pack / "manifest.json").exists():
        return Pack.open(folder.pack)
    return same_data(
        folder.config.data,
        folder.fingerprint,
        cache=home.cache,
        data_root=data_root,
        progress=watcher.stage,
        of=str(folder.path),
        remedy="begin anew",
    )


def _fit(folder: TrainingFolder, pack: Pack, device: str, watcher: RetrainWatcher) -> TrainResult:
    from ....training.train import train as train_model

    epochs, numerics = folder.config.steps * folder.config.epochs_a_step, Numerics.of(folder.config)
    images = f"{pack.size('train'):,} images of {pack.source}"
    where = devices_words(device, folder.config.devices)
    words = f"{len(pack.folds)} folds of " if pack.folds else ""
    words += plural(folder.config.budget.epochs if pack.folds else epochs, "epoch")
    watcher.note(f"{folder.origin}: {words} on {images}, {where}, {numerics.words}")
    watcher.note(f"folder {folder.path}")
    (folder.path / CALIBRATION).unlink(missing_ok=True)  # of weights that may be about to change

    def start(asked: Asked) -> Iterable[EpochReport | TrainResult]:
        return train_model(
            folder.config, pack=pack.path, directory=folder.path, device=device, signal=asked, tell=watcher.busy
        )

    result, _ = follow(start, watcher, epochs)
    for note in result.notes:
        watcher.note(note)
    if result.status is Status.PAUSED:
        again = f"hpo train --resume --out {shlex.quote(str(folder.path))}"
        watcher.note(f"stopped after epoch {len(result.history)} of {epochs}; {again} goes on from there")
        raise KeyboardInterrupt
    if result.status is Status.FINISHED:
        _calibrate(folder, pack, result, device, watcher)
    return result


def _calibrate(folder: TrainingFolder, pack: Pack, result: TrainResult, device: str, watcher: RetrainWatcher) -> None:
    """Fit the temperature of the weights that count.

    Nothing in the folder was trained on the validation images.
    """
    from ....training.evaluation.held_out import fit_calibration

    assert result.best is not None  # a finished training has an epoch
    calibration = fit_calibration(
        folder.path, folder.config, pack, epoch=result.best.epoch, device=device, name="the run"
    )
    if calibration is not None:
        folder.keep_calibration(calibration)
        watcher.note(f"temperature {calibration.temperature:.2f}, on the validation images: {calibration.words}")
