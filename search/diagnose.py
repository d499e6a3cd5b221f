"""`hpo diagnose`, composed: one configuration -> its data -> checks. Nothing is written but the data cache."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cores import available_cores
from ..studies.home import Home
from .diagnose_choice import DiagnoseOptions, Patient, choose_patient
from .retrain_progress import RetrainWatcher

if TYPE_CHECKING:
    from ..training.checkpoint import State
    from ..training.data.pack import Pack
    from ..training.diagnosis.diagnosis import Diagnosis


@dataclass(frozen=True)
class DiagnoseOutcome:
    """What was found, and `dimension`: the learning rates worth searching, as a space file has them, or None."""

    diagnosis: "Diagnosis"
    dimension: str | None

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo diagnose --json` prints."""
        return {**self.diagnosis.to_json(), "dimension": self.dimension}

    def html(self) -> str:
        """The page that `hpo diagnose --html` writes."""
        from ..training.diagnosis.page import page

        return page(self.diagnosis, self.dimension)


def diagnose(options: DiagnoseOptions, watcher: RetrainWatcher) -> DiagnoseOutcome:
    """Look at one configuration; `watcher` hears of each check as it begins.

    Raises:
        HpoError: the space, the trial, the run, the data, the device or a check's name is wrong.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in `train`: before torch is imported
    home = Home.locate(options.home)
    patient = choose_patient(options, home)
    from ..training.diagnosis.registry import choose_checks

    checks = choose_checks(options.checks)
    pack = _pack(patient, options, home, watcher)
    found = _examine(patient, pack, options.device, checks, watcher)
    return DiagnoseOutcome(found, _dimension(found, patient.lr_key))


def _pack(patient: Patient, options: DiagnoseOptions, home: Home, watcher: RetrainWatcher) -> "Pack":
    from ..training.data.pack import Pack
    from ..training.data.prepare import prepare
    from ..training.run_folder import RunFolder

    if patient.run is not None:
        packed = RunFolder.open(patient.run).pack
        if (packed / "manifest.json").exists():
            return Pack.open(packed)
    return prepare(patient.config.data, cache=home.cache, data_root=options.data_root, progress=watcher.stage)


def _examine(
    patient: Patient, pack: "Pack", wish: str, checks: tuple[str, ...], watcher: RetrainWatcher
) -> "Diagnosis":
    from ..training.device import choose_device
    from ..training.diagnosis.diagnosis import diagnose as examine
    from ..training.diagnosis.subject import Subject

    device = choose_device(wish, available_cores())
    subject = Subject.on(device, patient.config, pack, _state(patient.run))

    def told(name: str, done: int, total: int) -> None:
        watcher.note(f"check {done + 1}/{total}: {name}")

    return examine(subject, patient.origin, checks=checks, verdict=patient.verdict, progress=told)


def _state(run: Path | None) -> "State | None":
    """The last checkpoint of a run, where it has one."""
    from ..training.checkpoint import LAST, load

    return load(run / LAST) if run is not None and (run / LAST).exists() else None


def _dimension(found: "Diagnosis", key: str) -> str | None:
    """`optimizer.lr: {low: 0.001, high: 0.1, log: true}` from the range test, where it was made and found a range."""
    checked = found.checked.get("lr_range")
    numbers = (checked.numbers if checked else None) or {}
    low, high = numbers.get("low"), numbers.get("high")
    return f"{key}: {{low: {low:g}, high: {high:g}, log: true}}" if low and high and low < high else None
