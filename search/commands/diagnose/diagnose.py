"""`hpo diagnose`, composed: one configuration -> its data -> checks. Nothing is written but the data cache."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....common.cores import available_cores
from ....studies.home import Home
from ....training.checkpoints.files import LAST
from ....training.report import IMPORTING
from ....training.setting import Setting
from ...progress.single import RetrainWatcher
from ...resolve.data import refuse_home_as_data
from ...resolve.trust import admit_model
from .advice import Change, Target
from .options import DiagnoseOptions
from .patient import Patient, choose_patient

if TYPE_CHECKING:
    from ....training.checkpoints.checkpoint import State
    from ....training.data.pack import Pack
    from ....training.diagnosis.diagnosis import Diagnosis


@dataclass(frozen=True)
class DiagnoseOutcome:
    """What was found, `target`, which writes its settings so that they can be pasted, and the rates worth searching."""

    diagnosis: "Diagnosis"
    target: Target

    @property
    def dimension(self) -> Change | None:
        """The learning rates worth searching, None where the range test found none or was not made."""
        from ....training.diagnosis.conclusion import rates_to_search

        rates = rates_to_search(self.diagnosis.checked)
        return None if rates is None else self.target.dimension(rates)

    @property
    def yaml(self) -> str:
        """`dimension` as lines of the space file, where there is one that was looked at as it is; else empty."""
        return self.dimension.lines if self.dimension is not None and self.target.in_file else ""

    @property
    def command(self) -> str:
        """The command that tries what the conclusion advises; empty where it names no setting."""
        return self.target.command(self.diagnosis.conclusion.settings)

    def flags(self, settings: Sequence[Setting]) -> str:
        """`--set KEY=VALUE` for each of `settings`, for a shell."""
        return " ".join(self.target.change(one).flags for one in settings)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo diagnose --json` prints; settings have the keys of the space at hand."""
        told = self.diagnosis.to_json()
        for entry in (told["conclusion"], *told["findings"]):
            entry["settings"] = [self.target.change(Setting(**one)).to_json() for one in entry["settings"]]
        told["conclusion"]["command"] = self.command
        return {**told, "dimension": self.dimension.to_json() if self.dimension else None, "yaml": self.yaml or None}

    @property
    def font_notes(self) -> tuple[str, ...]:
        """What of the names on the page no installed font can show."""
        from ....training.diagnosis.page import font_note

        return tuple(dict.fromkeys(filter(None, map(font_note, self.diagnosis.checked.values()))))

    def html(self) -> str:
        """The page that `hpo diagnose --html` writes."""
        from ....training.diagnosis.page import page

        return page(self.diagnosis, self.flags, self.command, self.dimension.flags if self.dimension else "", self.yaml)


def diagnose(options: DiagnoseOptions, watcher: RetrainWatcher) -> DiagnoseOutcome:
    """Look at one configuration; `watcher` hears of each check as it begins.

    Raises:
        HpoError: the space, the trial, the run, the data, the device or a check's name is wrong.
    """
    home = Home.locate(options.home)
    patient = choose_patient(options, home)
    refuse_home_as_data(home.root, patient.config.data.source)
    admit_model(patient.config.model, trust=options.trust, note=watcher.note, named=patient.named)
    watcher.busy(IMPORTING)
    from ....training.diagnosis.registry import choose_checks

    checks = choose_checks(options.checks)
    home.create(watcher.note)
    pack = _pack(patient, options, home, watcher)
    found = _examine(patient, pack, options.device, checks, watcher)
    return DiagnoseOutcome(found, patient.target)


def _pack(patient: Patient, options: DiagnoseOptions, home: Home, watcher: RetrainWatcher) -> "Pack":
    from ....training.checkpoints.training_folder import TrainingFolder
    from ....training.data.pack import Pack
    from ....training.data.prepare import prepare
    from ....training.data.store import Store

    if patient.run is not None:
        run = TrainingFolder.open(patient.run)
        if (run.pack / "manifest.json").exists():
            return Pack.open(run.pack)
        if packed := Store(home.cache).find(run.fingerprint):  # the home was moved
            return packed
    pack = prepare(patient.config.data, cache=home.cache, data_root=options.data_root, progress=watcher.stage)
    for note in pack.notes:
        watcher.note(note)
    return pack


def _examine(
    patient: Patient, pack: "Pack", wish: str, checks: tuple[str, ...], watcher: RetrainWatcher
) -> "Diagnosis":
    from ....training.diagnosis.diagnosis import diagnose as examine
    from ....training.diagnosis.subject import Subject
    from ....training.machine.device import choose_device

    device = choose_device(wish, available_cores())
    subject = Subject.on(device, patient.config, pack, _state(patient.run))

    def told(name: str, done: int, total: int) -> None:
        watcher.note(f"check {done + 1}/{total}: {name}")

    return examine(subject, patient.origin, checks=checks, verdict=patient.verdict, progress=told)


def _state(run: Path | None) -> "State | None":
    """The last checkpoint of a run, where it has one."""
    from ....training.checkpoints.checkpoint import load

    return load(run / LAST) if run is not None and (run / LAST).exists() else None
