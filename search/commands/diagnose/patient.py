"""The patient of `hpo diagnose`: a space, a trial, or a training."""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from ....common.bounded import JSON_BYTES, read_bytes
from ....common.masking import masked
from ....spaces.load import load_space
from ....studies.home import Home
from ....training.checkpoints.training_folder import RESULT, TrainingFolder
from ....training.config import TrialConfig
from ....training.loop.history import result_from_json, verdict_from_json
from ....training.report import Verdict
from ...configuration.space_file import SpaceFile
from ..train.options import TrainOptions
from ..train.single import Single, choose_single
from .advice import Target
from .options import DiagnoseOptions


@dataclass(frozen=True, slots=True)
class Patient:
    """A configuration to diagnose, its origin, and the target of advice.

    `origin` says in words where it came from. `training` is its folder and `verdict` the one on its history, None where
    there is none. `named` as in `Single`.
    """

    origin: str
    config: TrialConfig
    target: Target
    verdict: Verdict | None = None
    training: Path | None = None
    named: bool = False


def choose_patient(options: DiagnoseOptions, home: Home) -> Patient:
    """Return the patient that `options` choose.

    Raises:
        SpaceError: the space, a change or the trial's name says something that cannot be.
        StudyError: no such trial.
        TrainingError: the folder holds no training, or one that cannot be read.
    """
    if options.run is not None:
        return _from_training(options.run.expanduser().absolute())
    train = TrainOptions(
        space=options.space,
        trial=options.trial,
        overrides=options.overrides,
        data=options.data,
        storage=options.storage,
        home=options.home,
    )
    single = choose_single(train, home)
    if options.space is None:
        return _from_trial(options, single, home)
    space = load_space(options.space, SpaceFile, train.changes)
    flags = _flags(options, "space", "data", "overrides", "data_root", "home")
    target = Target(
        space, single.params, single.config, f"hpo train{flags}", f"hpo diagnose{flags}", not options.overrides
    )
    return Patient(single.origin, single.config, target, named=single.named)


def _from_trial(options: DiagnoseOptions, single: Single, home: Home) -> Patient:
    """The patient of a trial, as it was saved or with changes.

    The verdict is on what was saved.
    """
    flags = _flags(options, "trial", "data", "overrides", "data_root", "storage", "home")
    target = Target.saved(single.config, f"hpo train{flags}", f"hpo diagnose{flags}")
    return Patient(single.origin, single.config, target, verdict=_verdict_of(options, home), named=single.named)


def _flags(options: DiagnoseOptions, *names: str) -> str:
    """The options `names` as words of a command line.

    Each follows a space, so that they can stand after a command.
    """
    words: list[str] = []
    for name in names:
        value = getattr(options, name)
        if name == "overrides":
            words += [word for text in value for word in ("--set", text)]
        elif value is not None:
            # what is printed may be pasted elsewhere: no password of a storage URL
            words += [f"--{name.replace('_', '-')}", masked(str(value))]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _verdict_of(options: DiagnoseOptions, home: Home) -> Verdict | None:
    """The verdict that the study keeps on the trial, if any."""
    from ....studies.records.summarise import summarise
    from ....studies.store.storage import open_existing

    assert options.trial is not None  # the caller has looked
    # from the right: a study of another program may have a slash in its name
    study, _, number = options.trial.rpartition("/")
    verdict = summarise(open_existing(options.storage, home), study).trial(int(number)).verdict
    return verdict_from_json(verdict) if verdict else None


def _from_training(folder: Path) -> Patient:
    training = TrainingFolder.open(folder)
    target = Target.training(folder, training.config)
    return Patient(
        f"run {folder} ({training.origin})", training.config, target, verdict=_verdict_in(folder), training=folder
    )


def _verdict_in(folder: Path) -> Verdict | None:
    """The verdict in result.json; None before the training has ended."""
    result = folder / RESULT
    return result_from_json(json.loads(read_bytes(result, JSON_BYTES))).verdict if result.exists() else None
