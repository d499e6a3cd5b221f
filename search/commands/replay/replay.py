"""`hpo replay`, composed: a trial's record -> its images -> the same training -> epoch beside epoch."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ....common.cores import available_cores
from ....common.plural import plural
from ....errors import SpaceError, StudyError
from ....studies import attributes
from ....studies.files import noted_run, versions
from ....studies.home import Home
from ....studies.records.study import StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import TrialRecord
from ....studies.store.storage import open_existing
from ....training.config import TrialConfig
from ....training.data.pack import Pack
from ....training.machine.numerics import Numerics
from ....training.report import IMPORTING, EpochReport, Signal, TrainResult
from ...progress.format import devices_words
from ...progress.single import RetrainWatcher
from ...resolve.pack import same_data
from ...resolve.trust import admit_model
from ..follow import Asked, follow
from ..retrain.choose import config_as_now
from .options import ReplayOptions

STOPPING = "stopping at the next batch: nothing is kept of a replay that has not come to its end"


@dataclass(frozen=True, slots=True)
class Replay:
    """A trial that was trained again: the objective `before` and `after` by `unit`, an epoch or a fold.

    `status` is how the training ended: `finished` where it came as far as the trial. `differences` say in words what is
    not as it was, as far as the study has a record of it: versions and the device.
    """

    study: str
    trial: int
    metric: str
    unit: str
    before: Mapping[int, float]
    after: Mapping[int, float]
    status: str
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every epoch has the same value, to the last digit."""
        return dict(self.before) == dict(self.after)

    @property
    def largest(self) -> tuple[float, int] | None:
        """The largest difference of an epoch that both have, and that epoch (the first of equals); None without any."""
        by_epoch = {epoch: abs(self.after[epoch] - self.before[epoch]) for epoch in self.before if epoch in self.after}
        epoch = max(by_epoch, key=lambda epoch: (by_epoch[epoch], -epoch), default=None)
        return None if epoch is None else (by_epoch[epoch], epoch)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo replay --json` prints."""
        difference, epoch = self.largest or (None, None)
        return {**asdict(self), "same": self.same, "largest_difference": difference, "at_epoch": epoch}


def replay(options: ReplayOptions, watcher: RetrainWatcher) -> Replay:
    """Train a trial of a study again, as far as it came, and compare each epoch with its record.

    Raises:
        StudyError: no such study or trial, or it has trained no epoch.
        TrustError: its model is a file that the user has not named to hpo as it is now.
        DataError: the study's images are missing or changed.
        SpaceError: `out` is there already.
        TrainingError: it cannot be trained here.
        KeyboardInterrupt: Ctrl-C; nothing is kept.
    """
    home = Home.locate(options.home)
    study, number = options.name
    summary = summarise(open_existing(options.storage, home), study)
    record = summary.trial(number)
    config = _config(summary, record, home)
    admit_model(config.model, trust=options.trust, note=watcher.note, trained_with=record.model_source)
    watcher.busy(IMPORTING)
    from ....training.machine.device import choose_device

    noted = noted_run(home, study)
    threads = noted.get("threads")
    # sums on a CPU depend on their number; a file that somebody edited may say anything
    device = choose_device(options.device, threads if isinstance(threads, int) and threads > 0 else available_cores())
    pack = same_data(
        config.data,
        str(summary.attributes.get(attributes.DATA_FINGERPRINT, "")),
        cache=home.cache,
        data_root=options.data_root,
        progress=watcher.stage,
        of=f"study {study}",
        remedy="nothing can be compared",
    )
    where = devices_words(device, config.devices)
    watcher.note(
        f"trial {number} of study {study}: {plural(record.epochs, 'epoch')}, {where}, {Numerics.of(config).words}"
    )
    with _folder(options.out, home) as folder:
        result = _train(config, pack, folder, device, record.epochs, watcher)
    after = {report.step: report.worth for report in result.history if report.step and report.worth is not None}
    differences = _differences(noted, device)
    unit = "fold" if record.folds else "epoch"
    return Replay(study, number, summary.metric, unit, dict(record.curve), after, result.status.value, differences)


def _config(summary: StudySummary, record: TrialRecord, home: Home) -> TrialConfig:
    """The configuration of a trial, with its images and model file where they are now.

    Raises:
        StudyError: it has none, or has trained no epoch.
    """
    config = config_as_now(summary, record, home)
    if not record.curve:
        raise StudyError(f"trial {record.number} of study {summary.study} is {record.state} and has trained no epoch")
    return config


@contextmanager
def _folder(out: Path | None, home: Home) -> Iterator[Path]:
    """The folder of the training, which goes where none was named."""
    if out is not None:
        folder = out.expanduser().absolute()
        if folder.exists():
            raise SpaceError(f"--out must be new, but {folder} is there already")
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix=".replay-", dir=home.root) as temporary:
        yield Path(temporary) / "training"


def _train(
    config: TrialConfig, pack: Pack, folder: Path, device: str, epochs: int, watcher: RetrainWatcher
) -> TrainResult:
    from ....training.train import train

    def start(asked: Asked) -> Iterable[EpochReport | TrainResult]:
        return train(
            config,
            pack=pack.path,
            directory=folder,
            device=device,
            last_epoch=epochs,
            signal=asked,
            tell=watcher.busy,
        )

    result, interrupted = follow(start, watcher, epochs, ending=Signal.STOP, words=STOPPING)
    if interrupted:
        raise KeyboardInterrupt
    return result


def _differences(noted: Mapping[str, Any], device: str) -> tuple[str, ...]:
    """What of versions and device is not as the newest run of the study had it."""
    before, now = noted.get("versions"), versions()
    changed = [
        f"{name} {before[name]} -> {now[name]}"
        for name in now
        if isinstance(before, dict) and name in before and before[name] != now[name]
    ]
    was, kind = str(noted.get("device", "")).partition(":")[0], device.partition(":")[0]
    return (*changed, *([f"{was} -> {kind}"] if was and was != kind else []))
