"""The choice of a trial to train again, its configuration and epochs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ....common.display import visible
from ....errors import StudyError
from ....studies import attributes
from ....studies.home import Home
from ....studies.records.lookup import newest_study
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import PAUSED, TrialRecord
from ....studies.shared_files.study_files import SharedNote
from ....studies.store.storage import open_existing
from ....studies.study_name import is_study_name
from ....training.config import TrialConfig
from ....training.export.race import Race
from ....training.optim.config import Piecewise, Plateau
from ...configuration.configure import read_config
from ...configuration.model_copies import ModelCopies
from ...progress.format import number_of
from .options import RetrainOptions
from .pick import pick

_RIVALS = ("complete", "pruned", PAUSED)  # states of trials that were compared with each other
GO_ON = "`hpo run` goes on with the search, given a larger --trials, --max-epochs-total or --timeout"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trial to be trained again.

    `config` is the saved one, with the epochs that were asked for and, under plateau, the learning rates that the trial
    had; `last_epoch` cuts its schedule short; `folder` is the name of its working directory; `fingerprint` the study's
    data; `validated` the trial's metrics on validation images where they are of the very epoch that is trained to, else
    empty; `candidates` how many trials of the study it was chosen among, at least 1; `formats` what is made beside the
    base formats; `shared` where the study shares files; `notes` say in lines which better trials cannot be trained, and
    why it is this one where none has run to its end; `race` is the race that it has won.
    """

    study: str
    record: TrialRecord
    config: TrialConfig
    last_epoch: int | None
    folder: str
    fingerprint: str
    validated: Mapping[str, float]
    candidates: int = 1
    formats: tuple[str, ...] = ()
    shared: SharedNote | None = None
    notes: tuple[str, ...] = ()
    race: Race | None = None

    @property
    def epochs(self) -> int:
        """The number of epochs to train."""
        return self.last_epoch or self.config.budget.epochs


def choose(options: RetrainOptions, home: Home) -> Chosen:
    """Choose the trial that `options` mean, from the study store alone.

    No space file is read. A trial has its value at the epoch that counts (`objective.at`). Without `epochs` it is
    trained to that epoch, under a schedule of the same length and with the falls that plateaus brought, so that the
    learning rates are those which the value was reached with. (More epochs would be a training that nothing was
    measured for, and there is no validation split left to stop by.) Where a search with rungs ended before any trial
    had run to its end, it is the best at the highest rung that was reached, trained to the end of its budget.

    Raises:
        StudyError: no such study or trial, no complete trial and no rung that was reached, or the trial has no
            configuration or, under plateau, no learning rates yet.
    """
    storage = open_existing(options.storage, home)
    summary = summarise(storage, options.study or newest_study(storage))
    record = _record(summary, options)
    saved = with_data_as_now(saved_config(summary.study, record), summary)
    config = _replayed(summary.study, record, saved)
    last_epoch = _epoch_if_not_last(record, saved) if _has_ended(summary, record, options) else None
    folder = f"trial-{record.number}"
    if options.epochs is not None:
        budget = config.budget.model_copy(update={"epochs": options.epochs})
        config, last_epoch = config.model_copy(update={"budget": budget}), None
        folder = f"{folder}-{options.epochs}"  # checkpoints of another length must not be gone on with
    same_training = (last_epoch or config.budget.epochs) == record.best_epoch and config.budget == saved.budget
    # metrics of another epoch or budget would be compared with a test of other weights
    validated = record.metrics if same_training else {}
    fingerprint = str(summary.attributes.get(attributes.DATA_FINGERPRINT, ""))
    # 1: a trial that is named may be none of these
    rivals = [trial for trial in summary.trials if trial.state in _RIVALS and not trial.cut_short]
    return Chosen(
        study=summary.study,
        record=record,
        config=config,
        last_epoch=last_epoch,
        folder=folder,
        fingerprint=fingerprint,
        validated=validated,
        candidates=max(1, len(rivals)),
        formats=options.formats,
        shared=SharedNote.of(summary.attributes),
        notes=() if _is_named(options) else _notes(summary, config.budget.epochs),
    )


def _notes(summary: StudySummary, epochs: int) -> tuple[str, ...]:
    """The lines on a choice that nobody has named; one that is not complete is trained to its last of `epochs`."""
    return tuple(filter(None, (summary.passed_over_line, _furthest_line(summary, epochs))))


def _furthest_line(summary: StudySummary, epochs: int) -> str:
    """Why a trial is taken that has not run to its end; empty where the best one is."""
    furthest = summary.furthest
    if furthest is None:
        return ""
    measure = f"{summary.metric} {number_of(furthest.value)}"
    return f"{furthest.words} ({measure}), and is trained to epoch {epochs}"


def _is_named(options: RetrainOptions) -> bool:
    """Whether the user says which trial is meant."""
    return options.trial is not None or options.pick is not None


def _record(summary: StudySummary, options: RetrainOptions) -> TrialRecord:
    """The trial that `options` mean."""
    if options.pick is not None:
        return pick(summary, options.pick)
    return _best(summary) if options.trial is None else summary.trial(options.trial)


def _best(summary: StudySummary) -> TrialRecord:
    """The best complete trial that can be trained again, else the furthest."""
    if summary.best is not None:
        return summary.best
    if summary.furthest is not None:
        return summary.furthest.trial
    counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count) or "no trials yet"
    started = [trial.number for trial in summary.trials if trial.config]
    remedy = f"--trial {started[0]} takes one all the same\n  {GO_ON}" if started else GO_ON
    lack = "no complete trial that hpo ran" if summary.passed_over else "no complete trial"
    raise StudyError(f"study {visible(summary.study)} has {lack}, but {counts}; {remedy}")


def _has_ended(summary: StudySummary, record: TrialRecord, options: RetrainOptions) -> bool:
    """Whether the epoch that counts of a trial is known: not while it may go on, nor where it stands in for a best."""
    is_stand_in = not _is_named(options) and summary.best is None
    return record.state in ("complete", "pruned", "failed") and not is_stand_in


def saved_config(study: str, record: TrialRecord) -> TrialConfig:
    """The configuration that is saved on the trial `record` of `study`.

    Raises:
        StudyError: it has none yet, or another version saved it.
    """
    named = f"trial {record.number} of study {visible(study)}"
    if record.is_foreign:
        raise StudyError(f"{named} was not run by hpo, so that there is no configuration to train again")
    if not record.config:
        raise StudyError(f"{named} is {record.state} and has no configuration yet")
    try:
        return read_config(record.config)
    except StudyError as error:
        raise StudyError(f"{named} was {error}") from error


def with_data_as_now(config: TrialConfig, summary: StudySummary) -> TrialConfig:
    """Return `config` with the study's present place of its images.

    They may have been moved since the trial.
    """
    # the study's space is that of its newest run, a trial's configuration that of its own
    fixed = json.loads(summary.attributes.get(attributes.SPACE, "{}")).get("fixed", {})
    locations = {key: fixed[f"data.{key}"]["value"] for key in ("source", "split_file") if f"data.{key}" in fixed}
    return config.model_copy(update={"data": config.data.model_copy(update=locations)})


def config_as_now(summary: StudySummary, record: TrialRecord, home: Home) -> TrialConfig:
    """Return the saved configuration of a trial, with its images and its model's file where they are now.

    Raises:
        StudyError: it has none yet, or another version saved it.
    """
    config = with_data_as_now(saved_config(summary.study, record), summary)
    if not is_study_name(summary.study):  # no other study has a folder with copies
        return config
    return ModelCopies(home.models(summary.study)).use_copy(config, record.model_source)


def _epoch_if_not_last(record: TrialRecord, config: TrialConfig) -> int | None:
    """The epoch that cuts the schedule short, None for its last."""
    return record.best_epoch if record.best_epoch != config.budget.epochs else None


def _replayed(study: str, record: TrialRecord, config: TrialConfig) -> TrialConfig:
    """Return `config` with a schedule that needs no validation images.

    Plateaus become the falls of the learning rate that they brought.
    """
    schedule = config.schedule
    if not isinstance(schedule, Plateau):
        return config
    if not record.lr_factors:
        raise StudyError(
            f"trial {record.number} of study {visible(study)} is {record.state}; the learning rates that its plateaus "
            "bring are known when it has ended\n  --trial N takes another"
        )
    return config.model_copy(update={"schedule": Piecewise(warmup=schedule.warmup, factors=record.lr_factors)})
