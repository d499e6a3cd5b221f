"""`hpo extend`, composed: trials of a study -> their configurations with more epochs -> put in line -> the loop."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ....studies.book.open_study import load_study
from ....studies.files import SPACE_FILE
from ....studies.home import Home
from ....studies.records.lookup import newest_study
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import TrialRecord
from ....studies.shared_files.study_files import SharedNote
from ....studies.store.patience import Patience
from ....studies.store.storage import hush_optuna, open_storage, storage_to_read
from ...configuration.model_copies import ModelCopies
from ...executors.devices import check_device
from ...loop.goal import Outcome
from ...resolve.shared import fetch_shared
from ...resolve.trust import admit_model
from ..run.crew import LocalCrew
from ..run.outset import finished_trials
from ..run.prepare import Watcher
from ..run.run import search
from .choose import Chosen, choose
from .options import ExtendOptions
from .prepare import Opened, prepare


@dataclass(frozen=True, slots=True)
class ExtendResult:
    """The extensions of a study: `pairs` of a trial as it stood and the one that extends it, as they were chosen.

    `outcome` says why the command ended, `unsent` how many events MLflow still lacks; `study` is as it stands then.
    """

    outcome: Outcome
    study: StudySummary
    pairs: Sequence[tuple[TrialRecord, TrialRecord]]
    unsent: int

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo extend --json` prints."""
        extensions = [
            {
                "trial": after.number,
                "extends": before.number,
                "state": after.state,
                "epochs": after.planned_epochs,
                "value": after.value,
                "epochs_before": before.epochs,
                "value_before": before.value,
            }
            for before, after in self.pairs
        ]
        whole = self.study.to_json()
        return {**whole, "extensions": extensions, "outcome": self.outcome.value, "unsent": self.unsent}


def extend(options: ExtendOptions, watcher: Watcher) -> ExtendResult:
    """Train trials of a study again with more epochs, as new trials of the same study.

    What was put in line before by the same command is not put in line again, and goes on where it was.

    Raises:
        StudyError: no such study or trial, or one cannot go on.
        TrustError: a model is a file that the user has not named to hpo as it is now.
        DataError: the study's images are missing or changed.
        HpoError: a flag is wrong, or a training cannot begin here.
        KeyboardInterrupt: Ctrl-C came twice.
    """
    hush_optuna()  # the watcher tells what happens
    check_device(options.device)
    home = Home.locate(options.home)
    url = storage_to_read(options.storage, home)
    home.create(watcher.note)
    patience = Patience(watcher.note, give_up_s=options.storage_patience_s)
    opened = _open(options, url, patience)
    chosen = choose(opened.summary, options.numbers, options.top, options.epochs)
    _admit(options, home, opened, chosen, watcher)
    left, done = _count_left(opened, chosen), patience(lambda: finished_trials(opened.storage, opened.name))
    run_options = options.run_options(home.study(opened.name, SPACE_FILE), opened.name, done + left)
    logs = home.study(opened.name, "workers")
    with LocalCrew(run_options, chosen[0].config.devices, logs, left) as crew:
        prepared, numbers = prepare(options, run_options, home, opened, chosen, crew, watcher, patience)
        outcome, unsent = search(prepared, crew, watcher, patience)
    after = patience(lambda: summarise(opened.storage, opened.name))
    pairs = [(each.record, after.trial(number)) for each, number in zip(chosen, numbers, strict=True)]
    return ExtendResult(outcome, after, pairs, unsent)


def _count_left(opened: Opened, chosen: Sequence[Chosen]) -> int:
    """Count the extensions that have not ended in an earlier run of the command."""
    ended = [trial.origin for trial in opened.summary.trials if trial.state in ("complete", "pruned")]
    return sum(each.extension.origin not in ended for each in chosen)


def _open(options: ExtendOptions, url: str, patience: Patience) -> Opened:
    storage = open_storage(url, patience)
    name = options.study or patience(lambda: newest_study(storage))
    summary = patience(lambda: summarise(storage, name))
    return Opened(storage, patience(lambda: load_study(storage, name)), summary)


def _admit(options: ExtendOptions, home: Home, opened: Opened, chosen: Sequence[Chosen], watcher: Watcher) -> None:
    """Fetch what the study shares and is not here, and let the files of its models be run, if they may."""
    pointed = {each.record.number: each.record.checkpoint for each in chosen}
    note = SharedNote.of(opened.summary.attributes)
    fetch_shared(options.checkpoint_dir, note, opened.name, home, pointed)
    copies = ModelCopies(home.models(opened.name))
    for each in chosen:
        source = each.record.model_source
        model = copies.use_copy(each.config, source).model
        admit_model(model, trust=options.trust, note=watcher.note, trained_with=source)
