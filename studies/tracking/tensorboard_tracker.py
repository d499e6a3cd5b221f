"""The TensorBoard tracker, which writes event files, a folder for each trial.

    <study>/tensorboard/trial-0007/events.out...

Curves by epoch, hyperparameters with the metrics of each trial (the HPARAMS tab), what a trial came to as text, and its
pictures. Written with TensorBoard's own writer, which needs no TensorFlow; on the disk after each event, in records
that a reader passes over where the last one is cut off.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .event_files import FILE, TENSORBOARD
from .events import Epoch, Event, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from .several import BackgroundTracker
from .tracker import Tracker
from .tracker_kinds import TrackedStudy, register_tracker

NAME = "tensorboard"


@register_tracker(NAME, TENSORBOARD)
def _open(study: TrackedStudy) -> Tracker:
    return BackgroundTracker(NAME, lambda: TensorboardTracker(study), study.warn)


class TensorboardTracker:
    """The event files of a study. Raises whatever the disk does."""

    def __init__(self, study: TrackedStudy) -> None:
        from . import tensorboard_summaries

        self._summaries, self._study = tensorboard_summaries, study
        self._folder = study.folder(NAME)
        self._runs: dict[int, _Run] = {}

    def tell(self, event: Event) -> None:
        """Write an event of a trial; leave out those of the study.

        Event files have no place for a group of runs: the study is the folder.
        """
        make = self._summaries
        match event:
            case TrialStarted(trial, params, tags):
                run = self._run(trial)
                if run.last_epoch:  # a trial that goes on has its hyperparameters in an earlier file
                    run.write(run.last_epoch, *make.texts({"state": "RUNNING"}))
                else:
                    run.write(0, make.hyperparameters(params, self._study.run_name(trial)), *make.texts(tags))
            case Epoch(trial, epoch, metrics):
                run = self._run(trial)
                if epoch > run.last_epoch:
                    run.write(epoch, *make.scalars(metrics))
            case TrialNoted(trial, tags):
                run = self._run(trial)
                run.write(run.last_epoch, *make.texts(tags))
            case TrialPaused(trial, _, metrics):
                run = self._run(trial)
                run.write(run.last_epoch, *make.scalars(metrics), *make.texts({"state": event.state}))
                self._runs.pop(trial).close()
            case TrialEnded(trial, state, metrics, tags, artifacts):
                run = self._run(trial)
                pictures = [make.picture(path) for path in artifacts if path.suffix == ".png"]
                texts = make.texts({**tags, "state": state})
                ending = make.ending(failed=state == "FAIL")
                run.write(run.last_epoch, *make.scalars(metrics), *texts, *pictures, ending)
                self._runs.pop(trial).close()

    def close(self, timeout_s: float) -> int:
        """Close the files of the trials that have not ended; nothing remains."""
        for run in self._runs.values():
            run.close()
        self._runs.clear()
        return 0

    def _run(self, trial: int) -> "_Run":
        if trial not in self._runs:
            self._runs[trial] = _Run(self._folder / self._study.run_name(trial))
        return self._runs[trial]


class _Run:
    """A new event file of one trial, beside those of earlier processes.

    `last_epoch` is the last one in any of them.
    """

    def __init__(self, folder: Path) -> None:
        from tensorboard.summary.writer.record_writer import RecordWriter

        from .tensorboard_summaries import beginning

        earlier = sorted(folder.glob(f"{FILE}.*"))
        self.last_epoch = _last_step(earlier)
        folder.mkdir(parents=True, exist_ok=True)
        # note: readers take the files of a folder in the order of their names
        file = folder / f"{FILE}.{int(time.time()):010d}.{len(earlier):06d}"
        self._writer = RecordWriter(file.open("xb"))
        self._write(beginning())

    def write(self, step: int, *values: Any) -> None:
        """Write `values`, each a Summary.Value, at `step` in one record."""
        from .tensorboard_summaries import record

        self._write(record(step, values))
        self.last_epoch = max(self.last_epoch, step)

    def close(self) -> None:
        """Close the file."""
        self._writer.close()

    def _write(self, content: bytes) -> None:
        self._writer.write(content)
        self._writer.flush()  # at once, so that a running trial can be watched and a kill loses nothing


def _last_step(files: Iterable[Path]) -> int:
    """Return the last epoch in event files, 0 where there is none."""
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    return max((event.step for file in files for event in LegacyEventFileLoader(str(file)).Load()), default=0)
