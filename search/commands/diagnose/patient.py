"""What `hpo diagnose` looks at: a space, a trial, or the folder of a run."""

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
from ..train.options import TrainOptions
from ..train.single import Single, choose_single
from .advice import Target
from .options import DiagnoseOptions


@dataclass(frozen=True, slots=True)
class Patient:
    """One configuration: where it came from in words, and `target`, which writes advice for there.

    `run` is its folder and `verdict` that on its history, where there are such. `named` as in `Single`.
    """

    origin: str
    config: TrialConfig
    target: Target
    verdict: Verdict | None = None
    run: Path | None = None
    named: bool = False


def choose_patient(options: DiagnoseOptions, home: Home) -> Patient:
    """What `options` mean.

    Raises:
        SpaceError: the space, a change or the trial's name says something that cannot be.
        StudyError: no such trial.
        TrainingError: the folder holds no run, or one that cannot be read.
    """
    if options.run is not None:
        return _from_run(options.run.expanduser().absolute())
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
    space = load_space(options.space, TrialConfig, train.changes)
    flags = _flags(options, "space", "data", "overrides", "data_root", "home")
    target = Target(
        space, single.params, single.config, f"hpo train{flags}", f"hpo diagnose{flags}", not options.overrides
    )
    return Patient(single.origin, single.config, target, named=single.named)


def _from_trial(options: DiagnoseOptions, single: Single, home: Home) -> Patient:
    """A trial, as it was saved or with changes; its verdict is on what was saved."""
    flags = _flags(options, "trial", "data", "overrides", "data_root", "storage", "home")
    target = Target.saved(single.config, f"hpo train{flags}", f"hpo diagnose{flags}")
    return Patient(single.origin, single.config, target, verdict=_verdict_of(options, home), named=single.named)


def _flags(options: DiagnoseOptions, *names: str) -> str:
    """The words of a command line that say the same, each after a space."""
    words: list[str] = []
    for name in names:
        value = getattr(options, name)
        if name == "overrides":
            words += [word for text in value for word in ("--set", text)]
        elif value is not None:
            words += [f"--{name.replace('_', '-')}", masked(str(value))]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _verdict_of(options: DiagnoseOptions, home: Home) -> Verdict | None:
    from ....studies.records.summarise import summarise
    from ....studies.store.storage import open_existing

    assert options.trial is not None  # the caller has looked
    study, _, number = options.trial.rpartition("/")
    verdict = summarise(open_existing(options.storage, home), study).trial(int(number)).verdict
    return verdict_from_json(verdict) if verdict else None


def _from_run(folder: Path) -> Patient:
    run = TrainingFolder.open(folder)
    target = Target.run(folder, run.config)
    return Patient(f"run {folder} ({run.origin})", run.config, target, verdict=_verdict_in(folder), run=folder)


def _verdict_in(folder: Path) -> Verdict | None:
    """That of result.json; None while the run has not ended."""
    result = folder / RESULT
    return result_from_json(json.loads(read_bytes(result, JSON_BYTES))).verdict if result.exists() else None
