"""A training run in its directory: resuming, epochs, checkpoints, early stopping."""

import math
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Literal

import torch

from ..atomic import write_atomic
from .checkpoint import snapshot
from .checkpoint_writer import CheckpointWriter
from .config import TrialConfig
from .data.batches import EvalBatches, TrainBatches
from .data.pack import Pack
from .epoch import train_epoch
from .evaluate import evaluate
from .learner import Learner
from .progress import Progress, report_from_json, report_to_json
from .report import EpochReport, Signal, Status, TrainResult
from .resume import CONFIG, RESULT, identity_of, resume

FitOn = Literal["train", "train_and_val"]

_EVAL_BATCH = 512


class Run:
    """One training run; see `train.train` for its arguments."""

    def __init__(
        self,
        config: TrialConfig,
        pack: Pack,
        directory: Path,
        device: torch.device,
        fit_on: FitOn,
        last_epoch: int | None = None,
    ) -> None:
        self._config = config
        self._last_epoch = min(last_epoch or config.budget.epochs, config.budget.epochs)
        self._pack = pack
        self._directory = directory
        self._device = device
        self._identity = identity_of(config, pack, fit_on)
        self._validates = fit_on == "train"
        self.progress = Progress(config.objective if self._validates else None)

    def epochs(self, signal: Callable[[], Signal]) -> Generator[EpochReport, None, TrainResult]:
        """Yield a report per epoch still to be trained; return the result once every checkpoint is on disk."""
        learner = self._start()
        batches = self._train_batches()
        with CheckpointWriter(self._directory) as writer:
            for number in range(len(self.progress.history) + 1, self._last_epoch + 1):
                if self.progress.stale(self._config.budget.patience):
                    return self.progress.result(Status.FINISHED, early_stopped=True)
                report = self._epoch(learner, batches, number, signal)
                if isinstance(report, Status):
                    return self.progress.result(report, _message(report, number))
                is_best = self.progress.add(report)
                writer.submit(*self._checkpoint(learner, is_best))
                yield report
        return self.progress.result(Status.FINISHED)

    def _start(self) -> Learner:
        """The directory made ready, and a learner that is fresh or where the checkpoint left it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        if self._device.type == "cuda":
            torch.backends.cudnn.benchmark = True  # the shapes of a run never change
        learner, state = resume(
            self._directory, self._identity, lambda: Learner.create(self._config, self._pack, self._device)
        )
        (self._directory / RESULT).unlink(missing_ok=True)  # its presence says that the run has ended
        write_atomic(self._directory / CONFIG, self._config.model_dump_json(indent=2).encode())
        for report in [] if state is None else state["history"]:
            self.progress.add(report_from_json(report))
        return learner

    def _epoch(
        self, learner: Learner, batches: TrainBatches, number: int, signal: Callable[[], Signal]
    ) -> EpochReport | Status:
        started = time.perf_counter()
        metrics = train_epoch(
            learner, batches.epoch(number), self._config, number=number, steps=batches.steps, signal=signal
        )
        if isinstance(metrics, Status):
            return metrics
        if self._validates:
            evaluation = evaluate(learner.model, self._val_batches(), learner.precision)
            if not math.isfinite(evaluation.loss):  # the last step of the epoch broke the weights
                return Status.DIVERGED
            metrics |= {"val_loss": evaluation.loss, "val_accuracy": evaluation.accuracy}
        return EpochReport(number, metrics, self.progress.elapsed_s + time.perf_counter() - started)

    def _train_batches(self) -> TrainBatches:
        return TrainBatches(
            self._pack.train if self._validates else self._pack.train_and_val,
            mean=self._pack.mean,
            std=self._pack.std,
            batch_size=self._config.data.batch_size,
            augment=self._config.augment,
            device=self._device,
            seed=self._config.seed,
        )

    def _val_batches(self) -> EvalBatches:
        pack = self._pack
        return EvalBatches(pack.val, mean=pack.mean, std=pack.std, batch_size=_EVAL_BATCH, device=self._device)

    def _checkpoint(self, learner: Learner, is_best: bool) -> tuple[dict[str, Any], dict[str, Any] | None]:
        """Copies of everything to go on from, and, where this epoch is the best, of what an export needs."""
        assert self.progress.best is not None  # a report was just added
        state = snapshot(learner.state())
        history = [report_to_json(report) for report in self.progress.history]
        last = {"identity": self._identity, "best_epoch": self.progress.best.epoch, "history": history, **state}
        best = {"identity": self._identity, **history[-1], "model": state["model"]} if is_best else None
        return last, best


def _message(status: Status, epoch: int) -> str:
    match status:
        case Status.DIVERGED:
            return f"the loss was NaN or infinite in epoch {epoch}"
        case Status.STOPPED:
            return f"stopped in epoch {epoch}"
        case _:
            return f"paused in epoch {epoch}"
