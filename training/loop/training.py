"""A training in its folder: resume, epochs, checkpoints, out of memory."""

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Self

import torch

from ...common.atomic import write_atomic
from ..checkpoints.checkpoint import State, load, own_files, remove_partial, save_partial
from ..checkpoints.files import BEST
from ..checkpoints.training_folder import CONFIG, RESULT
from ..checkpoints.writer import CheckpointWriter
from ..data.batches import TrainBatches
from ..machine.compilation import Compilation
from ..machine.device import choose_algorithms_by_rule
from ..machine.memory import Passes, is_out_of_memory
from ..machine.precision import Precision
from ..metrics.over_split import predict
from ..optim.config import Plateau
from ..optim.schedules import epoch_factors
from ..report import Activity, EpochReport, Signal, Status, TrainResult
from .assignment import Assignment
from .ending_words import ending_words
from .epoch import train_epoch
from .feed import train_batches
from .folds import NO_FOLDS, Before, config_of, summed_up
from .history import Progress, report_from_json, report_to_json
from .learner import Learner
from .limits import Limits
from .partial_epoch import NOTHING, PartialEpoch
from .replicas import Begin, packed
from .resume import Resumed, resume
from .validation import Validation
from .wanted_metrics import check_decided, check_metrics, wanted_metrics


class Training:
    """One training, or that of one fold after what was `before` it."""

    def __init__(self, asked: Assignment, before: Before = NO_FOLDS) -> None:
        config, pack = config_of(asked.config, before.fold), asked.pack
        check_decided(config, asked.fit_on)
        check_metrics(config, pack)
        self._asked, self._before, self._config = asked, before, config
        self._timeout_s = asked.timeout_s
        epochs, before_epochs = config.budget.epochs, max(before.fold - 1, 0) * config.budget.epochs
        self._last_epoch = epochs if asked.last_epoch is None else min(asked.last_epoch - before_epochs, epochs)
        self._pack = pack.of_fold(before.fold) if before.fold else pack
        self._replicas = asked.replicas
        self._directory = asked.directory
        self.device = asked.device
        self._tell = asked.tell
        self._identity = asked.identity
        # a final model is trained on both splits: nothing is left to validate
        self._validates = asked.fit_on == "train"
        self._passes = Passes(config.memory.micro_batch)
        self._begun = NOTHING
        self.limits = Limits(config, self._pack, self.device, self._tell, validates=self._validates)
        self._validation = Validation(self._pack, self.device, wanted_metrics(config))
        self.progress = Progress(config.objective if self._validates else None, before.elapsed_s)
        self.progress.notes += before.notes
        self._reports: list[EpochReport] = []  # those of `progress`, among the epochs of all folds

    @classmethod
    def begin(cls, asked: Assignment) -> Self:
        """The training that `asked` wants; with folds that of the fold to which its folder has come."""
        return cls(asked, Before.found(asked.directory, asked.identity) if asked.folds else NO_FOLDS)

    def following(self) -> "Training | None":
        """The training of the next fold, once this one has finished; None where there is none."""
        before, config = self._before, self._config
        is_last = before.fold == self._asked.folds or self._asked.last_epoch == before.fold * config.budget.epochs
        if is_last:
            return None
        assert self.progress.best is not None  # the fold has finished
        if self.progress.best is not self.progress.history[-1]:
            self._learner.judged.load_state_dict(load(self._directory / BEST)["model"])
        float32 = Precision(self.device, torch.float32)  # as the exported files compute
        unseen = predict(self._learner.judged, self._validation.batches(self._passes), float32)
        unseen = unseen if before.unseen is None else before.unseen.with_more(unseen)
        return Training(self._asked, Before(before.fold + 1, self._history, tuple(self.progress.notes), unseen))

    @property
    def _history(self) -> tuple[EpochReport, ...]:
        return (*self._before.history, *self._reports)

    def result(self, status: Status, message: str = "", *, early_stopped: bool = False) -> TrainResult:
        """The result of the training, and of the folds before, ended with `status`."""
        result = self.progress.result(status, message, early_stopped=early_stopped)
        return summed_up(replace(result, history=self._history), self._config) if self._before.fold else result

    def epochs(
        self, signal: Callable[[], Signal], resumed: Callable[[Sequence[EpochReport]], None]
    ) -> Generator[EpochReport, None, TrainResult]:
        """Yield a report per remaining epoch; return the result.

        `resumed` is called with the epochs of former runs, if any. When it returns, every checkpoint is on disk.
        """
        self._prepare()
        self._tell(Activity("building the model"))
        self._restore(self._open())
        if self._history:
            resumed(self._history)
        if broken := self.limits.broken_before(self._history):
            return self.result(Status.VIOLATED, broken)
        self._tell(Activity("loading the data"))
        batches = self._train_batches()
        self._set_forward_pass()
        with CheckpointWriter(self._directory) as writer:
            for number in range(len(self.progress.history) + 1, self._last_epoch + 1):
                # Before the epoch and not after it: a training that is resumed with its patience spent ends here too.
                if self.progress.stale(self._config.budget):
                    return self.result(Status.FINISHED, early_stopped=True)
                report = self._epoch_within_memory(batches, writer, number, signal)
                for note in self._learner.notes:
                    self.progress.note(note)
                if isinstance(report, PartialEpoch):
                    self._keep(report, number)
                    where = f"paused in {self._named(number)}, {report.done} of its {batches.steps} batches done"
                    return self.result(Status.PAUSED, where)
                if isinstance(report, Status):
                    return self.result(report, ending_words(report, self._named(number), self._timeout_s))
                self._add(report)
                try:
                    # before the checkpoint, while its writer is idle: the writer would delay the report
                    yield self._reports[-1]
                finally:
                    self._checkpoint(writer)  # also where the caller closes the iterator at the yield
                if broken := self.limits.broken_in(report):
                    return self.result(Status.VIOLATED, broken)
        return self.result(Status.FINISHED)

    def _add(self, report: EpochReport) -> None:
        report = self.progress.add(report)
        ends = report.epoch == self._last_epoch or self.progress.stale(self._config.budget)
        self._reports.append(self._before.placed(report, self._config.budget.epochs, ends=ends))

    def _named(self, epoch: int) -> str:
        return f"epoch {epoch} of fold {self._before.fold}" if self._before.fold else f"epoch {epoch}"

    def _prepare(self) -> None:
        with own_files(self._directory, "the folder could not be made"):
            self._directory.mkdir(parents=True, exist_ok=True)
        choose_algorithms_by_rule()

    def _open(self) -> Resumed:
        """Make a learner, fresh or from the checkpoints."""
        create = lambda: Learner.create(self._config, self._pack, self.device)  # noqa: E731
        resumed = resume(self._directory, self._identity, create, self.progress.note, self._before.fold)
        self._learner = resumed.learner
        return resumed

    def _restore(self, resumed: Resumed) -> None:
        """Restore all but the learner from its checkpoints, and prepare the directory."""
        with own_files(self._directory, "the configuration could not be written"):
            (self._directory / RESULT).unlink(missing_ok=True)  # its presence says that the training has ended
            write_atomic(self._directory / CONFIG, self._asked.config.model_dump_json(indent=2).encode())
        if newest := resumed.partial or resumed.last:
            self._passes = Passes(**newest["passes"])
            # before what was noted as they were opened
            self.progress.notes[:0] = [note for note in newest["notes"] if note not in self._before.notes]
        for report in map(report_from_json, resumed.last["history"] if resumed.last else ()):
            if report.fold == self._before.fold:
                # finds the epoch that counts again, the checkpoint does not name it here
                self._add(self._before.taken_out(report, self._config.budget.epochs))
        if resumed.partial:
            self._begun = PartialEpoch(**resumed.partial["partial"])

    def _set_forward_pass(self) -> None:
        """Set size and compilation of the learner's forward passes."""
        self._learner.micro_batch = self._passes.train
        if self._config.compile == "on":
            self._tell(Activity("compiling"))  # until the first batch has gone through
            self._learner.compilation = Compilation(self._learner.model, self.device)
        if self._config.devices > 1:
            self._tell(Activity("starting the other devices"))
            state = packed(self._learner.snapshot().complete())
            fold, micro_batch = self._before.fold, self._learner.micro_batch
            begin = Begin(self._config, self._pack.path, self._asked.fit_on, fold, micro_batch, state)
            group = self._replicas.begin(begin, self.device)
            with self._replicas.explained():
                self._learner.share(group)

    def _epoch_within_memory(
        self, batches: TrainBatches, writer: CheckpointWriter, number: int, signal: Callable[[], Signal]
    ) -> EpochReport | PartialEpoch | Status:
        """Train epoch `number`, again with smaller passes while memory runs out.

        It begins anew from the checkpoint of the epoch before: a step that was cut short has left half-updated
        statistics behind, and this way the training ends as if it had taken smaller passes from here on.
        """
        while True:
            try:
                return self._epoch(batches, number, signal)
            except Exception as error:
                most = math.ceil(self._config.data.batch_size / self._config.devices)
                smaller = self._passes.smaller_train(most, self._learner.least_images)
                if not is_out_of_memory(error) or smaller is None:
                    raise
            # note: outside the except block, whose traceback keeps the failed step's tensors alive.
            writer.flush()  # the checkpoint of the epoch before must be on disk: _open reads it
            self._replicas.close()  # they may wait for this one in the middle of a step
            # The old learner's memory must be free before a new one is made.
            del self._learner
            self._validation.free()
            self._drop_part()
            self._passes = smaller
            self.progress.note(f"out of memory in {self._named(number)}: from here on passes of {smaller.train} images")
            self._open()
            self._set_forward_pass()

    def _epoch(
        self, batches: TrainBatches, number: int, signal: Callable[[], Signal]
    ) -> EpochReport | PartialEpoch | Status:
        started = time.perf_counter()
        # elapsed_s adds up over resumes: only trained time counts, not the wait between two processes.
        before_s = self.progress.elapsed_s + self._begun.elapsed_s
        shown = self._before.placed_epoch(number, self._config.budget.epochs)
        self.limits.begin_epoch()  # whose peaks of memory are those of validation, too
        metrics = train_epoch(
            self._learner,
            batches,
            self._config,
            number=number,
            signal=signal,
            left_s=self._timeout_s - before_s,
            tell=lambda done: self._tell(Activity("training", shown, done, batches.steps)),
            # [-1]: what the metrics of the epochs before this one leave of the learning rate.
            peak=self._factors(number)[-1],
            begun=self._begun,
            replicas=self._replicas,
        )
        if not isinstance(metrics, dict):
            return metrics
        if self._validates:
            self._tell(Activity("validating", shown, batches.steps, batches.steps))
            model, precision = self._learner.judged, self._learner.precision
            evaluation, self._passes = self._validation.evaluate(model, precision, self._passes)
            if not math.isfinite(evaluation.loss):  # the last step of the epoch broke the weights
                return Status.DIVERGED
            metrics |= {"val_loss": evaluation.loss, "val_accuracy": evaluation.accuracy, **evaluation.scores}
        metrics |= self.limits.end_epoch(self._history)
        return EpochReport(number, metrics, before_s + time.perf_counter() - started)

    @property
    def lr_factors(self) -> tuple[float, ...]:
        """The share of the scheduled learning rate by epoch, as plateaus set it.

        Empty under other schedules: theirs follow from the configuration.
        """
        epochs = len(self.progress.history)
        return tuple(self._factors(epochs)[:epochs]) if isinstance(self._config.schedule, Plateau) else ()

    def _factors(self, epochs: int) -> list[float]:
        return epoch_factors(self._config.schedule, epochs, self.progress.values)

    def _train_batches(self) -> TrainBatches:
        return train_batches(self._config, self._pack, self._asked.fit_on, self.device)

    def _keep(self, part: PartialEpoch, number: int) -> None:
        """Write the part of epoch `number` that is done, so that it is not done again."""
        state = {
            "identity": self._identity,
            **self._before.to_state(),
            "epoch": len(self._history) + 1,
            "partial": part.to_state(),
            "passes": self._passes.to_json(),
            "notes": self.progress.notes,
            **self._learner.snapshot().complete(),
        }
        save_partial(self._directory, state)

    def _drop_part(self) -> None:
        """Remove the part of an epoch that has ended, or begins anew."""
        if self._begun is not NOTHING:
            remove_partial(self._directory)
            self._begun = NOTHING

    def _checkpoint(self, writer: CheckpointWriter) -> None:
        """Submit the checkpoint to resume from, and the weights that count where new.

        An export needs the latter alone.
        """
        self._drop_part()
        snapshot, progress = self._learner.snapshot(), self.progress
        assert progress.best is not None  # a report was just added
        # Copied here: the writer's thread makes the states later, when `progress` may already hold the next epoch.
        reports, newest, notes = self._history, self._reports[-1], list(progress.notes)
        best_epoch = self._reports[progress.history.index(progress.best)].epoch
        passes, shared = self._passes.to_json(), {"identity": self._identity, **self._before.to_state()}

        def last() -> State:
            return {
                **shared,
                "best_epoch": best_epoch,
                "history": [report_to_json(report) for report in reports],
                "passes": passes,
                "notes": notes,
                **snapshot.complete(),
            }

        def best() -> State:
            state = snapshot.complete()
            judged = state["model"] if state["average"] is None else state["average"]["model"]
            return {**report_to_json(newest), **shared, "model": judged}

        writer.submit(last, best if best_epoch == newest.epoch else None)
