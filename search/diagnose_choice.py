"""What `hpo diagnose` was asked to look at: a space, a trial, or the folder of a run."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import SpaceError
from ..spaces.load import load_space
from ..studies.home import Home
from ..training.config import TrialConfig
from ..training.progress import result_from_json, verdict_from_json
from ..training.report import Verdict
from ..training.run_folder import RESULT, RunFolder
from .train_choice import TrainOptions, choose_single


@dataclass(frozen=True, slots=True)
class DiagnoseOptions:
    """Everything `hpo.diagnose` takes; the flags of `hpo diagnose` in the same words.

    One of `space` (a file or name), `trial` ("STUDY/N") and `run` (the folder of an `hpo train`) says what to look at;
    `checks` are names of checks, all where none is given.
    """

    space: str | None = None
    trial: str | None = None
    run: Path | None = None
    overrides: Sequence[str] = ()
    data: str | None = None
    data_root: Path | None = None
    checks: Sequence[str] = ()
    device: str = "auto"
    storage: str | None = None
    home: Path | None = None

    def __post_init__(self) -> None:
        given = [name for name in ("space", "trial", "run") if getattr(self, name) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none of them"
            raise SpaceError(
                f"--space FILE, --trial STUDY/N or the folder of a run must say what to diagnose, got {said}"
            )
        if self.run is not None and (self.overrides or self.data):
            raise SpaceError("--set and --data change a --space or a --trial; a run is looked at as it is")


@dataclass(frozen=True, slots=True)
class Patient:
    """One configuration: where it came from in words, and its learning rate's key in the space it is from.

    `run` is its folder and `verdict` that on its history, where there are such.
    """

    origin: str
    config: TrialConfig
    lr_key: str = "optimizer.lr"
    verdict: Verdict | None = None
    run: Path | None = None


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
    if options.space is not None:
        return Patient(single.origin, single.config, _lr_key(train, single.config))
    return Patient(single.origin, single.config, verdict=_verdict_of(options, home))


def _lr_key(options: TrainOptions, config: TrialConfig) -> str:
    """`optimizer.sgd.lr` where the space has branches of optimisers, else `optimizer.lr`."""
    assert options.space is not None  # the caller has looked
    space = load_space(options.space, TrialConfig, options.changes)
    branch = f"optimizer.{config.optimizer.name}."
    keys = {entry.key for entry in (*space.parameters, *space.values)}
    return f"{branch}lr" if any(key.startswith(branch) for key in keys) else "optimizer.lr"


def _verdict_of(options: DiagnoseOptions, home: Home) -> Verdict | None:
    from ..studies.records import summarise
    from ..studies.storage import open_existing

    assert options.trial is not None  # the caller has looked
    study, _, number = options.trial.rpartition("/")
    verdict = summarise(open_existing(options.storage, home), study).trial(int(number)).verdict
    return verdict_from_json(verdict) if verdict else None


def _from_run(folder: Path) -> Patient:
    run = RunFolder.open(folder)
    return Patient(f"run {folder} ({run.origin})", run.config, verdict=_verdict_in(folder), run=folder)


def _verdict_in(folder: Path) -> Verdict | None:
    """That of result.json; None while the run has not ended."""
    result = folder / RESULT
    return result_from_json(json.loads(result.read_text())).verdict if result.exists() else None
