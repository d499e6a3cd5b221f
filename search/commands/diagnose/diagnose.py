"""`hpo diagnose`, composed: one configuration -> its data -> checks.

Nothing is written but the data cache.
"""

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
    """The diagnosis of a configuration, and the target of its advice.

    `target` writes settings so that they can be pasted; `dimension` are the learning rates worth searching.
    """

    diagnosis: "Diagnosis"
    target: Target

    @property
    def dimension(self) -> Change | None:
        """The learning rates worth searching, as a dimension.

        None where the range test found none or was not made.
        """
        from ....training.diagnosis.conclusion import rates_to_search

        rates = rates_to_search(self.diagnosis.checked)
        return None if rates is None else self.target.dimension(rates)

    @property
    def yaml(self) -> str:
        """`dimension` as lines of the space file; empty without one.

        Empty, too, where no space file was looked at, or one with changes by `--set`.
        """
        return self.dimension.lines if self.dimension is not None and self.target.in_file else ""

    @property
    def command(self) -> str:
        """The command that tries the conclusion's settings; empty without any."""
        return self.target.command(self.diagnosis.conclusion.settings)

    def flags(self, settings: Sequence[Setting]) -> str:
        """`--set KEY=VALUE` for each of `settings`, for a shell."""
        return " ".join(self.target.change(setting).flags for setting in settings)

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo diagnose --json` prints.

        Settings have the keys of the space at hand.
        """
        document = self.diagnosis.to_json()
        # findings have the configuration's keys; the user edits those of the space
        for entry in (document["conclusion"], *document["findings"]):
            entry["settings"] = [self.target.change(Setting(**setting)).to_json() for setting in entry["settings"]]
        document["conclusion"]["command"] = self.command
        return {
            **document,
            "dimension": self.dimension.to_json() if self.dimension else None,
            "yaml": self.yaml or None,
        }

    @property
    def font_notes(self) -> tuple[str, ...]:
        """Notes on names in the page that no installed font can show."""
        from ....training.diagnosis.page import font_note

        # each note once, in order
        return tuple(dict.fromkeys(filter(None, map(font_note, self.diagnosis.checked.values()))))

    def html(self) -> str:
        """The page that `hpo diagnose --html` writes."""
        from ....training.diagnosis.page import page

        return page(self.diagnosis, self.flags, self.command, self.dimension.flags if self.dimension else "", self.yaml)


def diagnose(options: DiagnoseOptions, watcher: RetrainWatcher) -> DiagnoseOutcome:
    """Diagnose one configuration; `watcher` gets a note as each check begins.

    Raises:
        HpoError: the space, the trial, the training, the data, the device or a check's name is wrong.
    """
    home = Home.locate(options.home)
    patient = choose_patient(options, home)
    refuse_home_as_data(home.root, patient.config.data.source)
    # before torch is imported: a model's file that is not trusted ends the command at once
    admit_model(patient.config.model, trust=options.trust, note=watcher.note, named=patient.named)
    watcher.busy(IMPORTING)
    from ....training.diagnosis.registry import choose_checks

    checks = choose_checks(options.checks)  # a wrong name is refused before the data is packed
    home.create(watcher.note)
    pack = _pack(patient, options, home, watcher)
    diagnosis = _examine(patient, pack, options.device, checks, watcher)
    return DiagnoseOutcome(diagnosis, patient.target)


def _pack(patient: Patient, options: DiagnoseOptions, home: Home, watcher: RetrainWatcher) -> "Pack":
    """Return the patient's pack: its training's, a cached or a new one."""
    from ....training.checkpoints.training_folder import TrainingFolder
    from ....training.data.pack import Pack
    from ....training.data.prepare import prepare
    from ....training.data.store import Store

    if patient.training is not None:
        training = TrainingFolder.open(patient.training)
        if (training.pack / "manifest.json").exists():
            return Pack.open(training.pack)
        if packed := Store(home.cache).find(training.fingerprint):  # the home was moved
            return packed
    pack = prepare(patient.config.data, cache=home.cache, data_root=options.data_root, progress=watcher.stage)
    for note in pack.notes:
        watcher.note(note)
    return pack


def _examine(
    patient: Patient, pack: "Pack", requested: str, checks: tuple[str, ...], watcher: RetrainWatcher
) -> "Diagnosis":
    from ....training.diagnosis.diagnosis import diagnose as examine
    from ....training.diagnosis.subject import Subject
    from ....training.machine.device import choose_device

    device = choose_device(requested, available_cores())
    subject = Subject.on(device, patient.config, pack, _state(patient.training))

    def note_check(name: str, done: int, total: int) -> None:
        watcher.note(f"check {done + 1}/{total}: {name}")

    return examine(subject, patient.origin, checks=checks, verdict=patient.verdict, progress=note_check)


def _state(training: Path | None) -> "State | None":
    """The last checkpoint of a training, None where it has none."""
    from ....training.checkpoints.checkpoint import load

    return load(training / LAST) if training is not None and (training / LAST).exists() else None
