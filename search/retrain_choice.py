"""Which trial is trained again, from which configuration, for how long."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ..errors import SpaceError, StudyError
from ..studies import attributes
from ..studies.home import Home
from ..studies.records import StudySummary, TrialRecord, newest_study, summarise
from ..studies.storage import open_existing
from ..training.config import TrialConfig
from ..training.export.formats.registry import choose_formats


@dataclass(frozen=True, slots=True)
class RetrainOptions:
    """Everything `hpo.retrain_best` takes; the flags of `hpo retrain-best` in the same words.

    None means: the newest study, its best complete trial, as many epochs as the trial had, the study's `export` folder
    in the home, the study store and the MLflow store of the home. `tracking_uri` "none" leaves MLflow out. `formats`
    are made beside model.onnx and model.pt2: names, or "all".
    """

    study: str | None = None
    trial: int | None = None
    epochs: int | None = None
    out: Path | None = None
    device: str = "auto"
    data_root: Path | None = None
    storage: str | None = None
    tracking_uri: str | None = None
    home: Path | None = None
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        choose_formats(self.formats)
        if self.epochs is not None and not 1 <= self.epochs <= 100_000:
            raise SpaceError(f"--epochs must be 1 to 100000, got {self.epochs}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trial to be trained again.

    `config` is the saved one, with the epochs that were asked for; `last_epoch` cuts its schedule short; `folder` is
    the name of its working directory; `fingerprint` the study's data; `formats` what is made beside the base formats.
    """

    study: str
    record: TrialRecord
    config: TrialConfig
    last_epoch: int | None
    folder: str
    fingerprint: str
    formats: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """How many epochs will be trained."""
        return self.last_epoch or self.config.budget.epochs


def choose(options: RetrainOptions, home: Home) -> Chosen:
    """The trial that `options` means, from the study store alone: no space file is read.

    Without `epochs`, a trial that used its budget is trained for the same budget. One that ended early for lack of
    progress reached its value at its best epoch, before the schedule came to its end; it is trained to that epoch
    under a schedule of the same length, so that the learning rates are those which the value was reached with. (More
    epochs would be a training that nothing was measured for, and there is no validation split left to stop by.)

    Raises:
        StudyError: no such study or trial, no complete trial, or the trial has no configuration.
    """
    storage = open_existing(options.storage, home)
    summary = summarise(storage, options.study or newest_study(storage))
    record = _best(summary) if options.trial is None else summary.trial(options.trial)
    config = saved_config(summary.study, record)
    last_epoch, folder = _best_epoch_if_early_stopped(record, config), f"trial-{record.number}"
    if options.epochs is not None:
        budget = config.budget.model_copy(update={"epochs": options.epochs})
        config, last_epoch = config.model_copy(update={"budget": budget}), None
        folder = f"{folder}-{options.epochs}"
    fingerprint = str(summary.attributes.get(attributes.DATA_FINGERPRINT, ""))
    return Chosen(summary.study, record, config, last_epoch, folder, fingerprint, options.formats)


def _best(summary: StudySummary) -> TrialRecord:
    if summary.best is not None:
        return summary.best
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count) or "no trials yet"
    started = [trial.number for trial in summary.trials if trial.config]
    way = f"--trial {started[0]} takes one all the same" if started else "`hpo run` goes on with the search"
    raise StudyError(f"study {summary.study} has no complete trial, but {counts}; {way}")


def saved_config(study: str, record: TrialRecord) -> TrialConfig:
    """The configuration that is saved on the trial `record` of `study`.

    Raises:
        StudyError: it has none yet, or another version saved it.
    """
    if not record.config:
        raise StudyError(f"trial {record.number} of study {study} is {record.state} and has no configuration yet")
    try:
        return TrialConfig.model_validate_json(record.config)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise StudyError(
            f"trial {record.number} of study {study} was saved by another version: {place}: {first['msg']}"
        ) from error


def _best_epoch_if_early_stopped(record: TrialRecord, config: TrialConfig) -> int | None:
    stopped_early = record.status == "finished" and record.epochs < config.budget.epochs
    return record.best_epoch if stopped_early else None
