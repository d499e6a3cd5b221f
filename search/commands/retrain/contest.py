"""A race on a study, composed: its best trials -> fresh trainings in rounds -> the winner."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....common.display import visible
from ....common.plural import plural
from ....errors import StudyError
from ....studies import attributes
from ....studies.home import Home
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import TrialRecord
from ....studies.store.storage import open_existing
from ....training.config import TrialConfig
from ....training.data.pack import Pack
from ....training.export.race import Race
from ....training.models.config import needs_trial
from ...configuration.settle import settle
from ...progress.format import duration, number_of
from ...progress.single import RetrainWatcher
from ...resolve.pack import same_source
from ...resolve.trust import admit_model
from .choose import config_as_now
from .fit import RetrainError
from .fresh import Seeds, Splits, kept_training, train_fresh
from .options import RetrainOptions
from .race import Fresh, Judge, race, stop_below


@dataclass(frozen=True, slots=True)
class Contest:
    """The trainings of a race: of trials by their `configs`, on `device`, each in a folder of its own in `folder`."""

    configs: Mapping[int, TrialConfig]
    splits: Splits
    seeds: Seeds
    folder: Path
    device: str
    watcher: RetrainWatcher

    def train(self, record: TrialRecord, repetition: int) -> Fresh:
        """Run a repetition of a trial, unless it was run before."""
        config, name = self._fresh(record.number, repetition), f"repetition {repetition}, trial {record.number}"
        directory = self.directory(record.number, repetition)
        fresh = kept_training(directory, config)
        if fresh is None:
            self.watcher.note(name)
            pack = self.splits.pack(config.data, repetition)
            try:
                fresh = train_fresh(config, pack, directory, self.device, self.watcher)
            except KeyboardInterrupt:
                self.watcher.note(f"stopped in {name}; all that is trained is kept, and the same command goes on")
                raise
        outcome = fresh.failure or f"{config.objective.metric} {number_of(fresh.value)}"
        self.watcher.note(f"{name}: {outcome}, selected with {number_of(record.value)}")
        return fresh

    def directory(self, trial: int, repetition: int) -> Path:
        """The folder of a training."""
        return self.folder / f"trial-{trial}-{repetition}"

    def _fresh(self, trial: int, repetition: int) -> TrialConfig:
        config = self.configs[trial]
        data = self.splits.config(config.data, repetition)
        return config.model_copy(update={"seed": self.seeds.of_training(trial, repetition), "data": data})


def run_race(
    options: RetrainOptions, study: str, home: Home, pack: Pack, device: str, workshop: Path, watcher: RetrainWatcher
) -> Race:
    """Race the best trials of `study`, whose images are `pack`, in the folder `workshop`.

    Raises:
        StudyError: no trial is complete.
        TrustError: a model is a file that the user has not named to hpo as it is now.
        DataError: the study's images are missing or changed.
        TrainingError: a trial cannot be trained here.
        RetrainError: no candidate has come to the end.
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    count, repetitions = options.contest
    summary = summarise(open_existing(options.storage, home), study)
    if summary.further:
        raise StudyError(
            f"study {visible(study)} has {len(summary.objectives)} objectives, and a race is run for one\n"
            "  leave --candidates and --seeds out; --pick takes a trial of the front"
        )
    records = best_distinct(summary, count, home)
    if not records:
        raise StudyError(f"study {visible(study)} has no complete trial to race; leave --candidates and --seeds out")
    contest = _prepare(options, summary, records, home, pack, device, workshop, watcher)
    watcher.note(_announcement(records, repetitions, contest.splits))
    objective = contest.configs[records[0].number].objective
    judge = Judge(objective, step=1 / pack.size("val"), overlap=contest.splits.overlap)
    runners = race(records, repetitions, judge, contest.train, watcher.note)
    contest.splits.remove()
    if judge.winner(runners) is None:
        raise RetrainError(
            f"study {study}: none of {plural(len(runners), 'trial')} could be trained with all {repetitions} seeds\n"
            "  --trial N takes one all the same"
        )
    return Race(
        seeds=repetitions,
        validation="drawn anew" if contest.splits.are_drawn else "given",
        stop_below=stop_below(len(runners)),
        entries=judge.entries(runners),
    )


def best_distinct(summary: StudySummary, count: int, home: Home) -> list[TrialRecord]:
    """Return the `count` best complete trials that hpo ran, of several with one configuration the first."""
    chosen: list[TrialRecord] = []
    configs: list[TrialConfig] = []
    for record in summary.own_best(len(summary.trials)):
        if len(chosen) == count:
            break
        config = config_as_now(summary, record, home).model_copy(update={"seed": 0})  # whatever the seed of its run
        if config not in configs:
            chosen.append(record)
            configs.append(config)
    return chosen


def _prepare(
    options: RetrainOptions,
    summary: StudySummary,
    records: Sequence[TrialRecord],
    home: Home,
    pack: Pack,
    device: str,
    workshop: Path,
    watcher: RetrainWatcher,
) -> Contest:
    """Find out what can be found out before hours are spent: models, images, exports."""
    configs = {}
    for record in records:
        config = config_as_now(summary, record, home)
        admit_model(config.model, trust=options.trust, note=watcher.note, trained_with=record.model_source)
        configs[record.number] = settle(config, pack, device, home.cache, watcher)
    seeds = _seeds(summary, configs)
    splits = Splits(pack, seeds, workshop / "packs", options.data_root, watcher.stage)
    if splits.are_drawn:
        same_source(
            configs[records[0].number].data,
            pack.fingerprint,
            cache=home.cache,
            data_root=options.data_root,
            progress=watcher.stage,
            of=f"study {summary.study}",
            remedy="leave --candidates and --seeds out",
        )
    contest = Contest(configs, splits, seeds, workshop / pack.fingerprint, device, watcher)
    for number, config in configs.items():
        if not contest.directory(number, 1).exists():
            _check_export(config, pack)
    return contest


def _check_export(config: TrialConfig, pack: Pack) -> None:
    """Try a model that hpo does not know, as retraining does: one that cannot be exported need not be raced."""
    from ....training.export.rehearse import ExportRehearsal
    from ....training.preflight.try_model import check_model

    if needs_trial(config.model):
        check_model(config, pack, ExportRehearsal(pack))


def _seeds(summary: StudySummary, configs: Mapping[int, TrialConfig]) -> Seeds:
    """The seeds of the race, away from those of the search."""
    noted = str(summary.attributes.get(attributes.SEED, ""))
    data = [config.data for config in configs.values()]
    return Seeds(
        study=int(noted) if noted.isdecimal() else 0,  # another program may have said anything
        used={trial.seed for trial in summary.trials if trial.seed is not None},
        used_splits={seed for each in data for seed in (each.split_seed, each.val_seed) if seed is not None},
    )


def _announcement(records: Sequence[TrialRecord], repetitions: int, splits: Splits) -> str:
    """What the race will do, and about how long that takes at most."""
    images = "other validation images" if splits.are_drawn else "the validation images that the data give"
    count = len(records) * repetitions
    what = f"race of {plural(len(records), 'trial')} over {repetitions} repetitions"
    sentence = f"{what}, each with a fresh seed and {images}: {plural(count, 'training')} at most"
    durations = [record.duration_s for record in records if record.duration_s is not None]
    if len(durations) < len(records):
        return sentence
    return f"{sentence}, about {duration(sum(durations) * repetitions)} by what the trials took"
