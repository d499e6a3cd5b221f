"""`hpo retrain-best`, composed: trial -> training -> export -> test -> registration.

The training takes all but the test split. Every step finds what an earlier attempt finished: training goes on from its
checkpoint, the test result of the same weights is kept, and the export takes the place of the former one in a single
step.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ....common.cores import available_cores
from ....common.plural import plural
from ....errors import ExportError, SpaceError, StudyError
from ....studies.home import Home
from ....studies.store.locks import held_if_free
from ....studies.tracking.mlflow.rehearsal import Rehearsal
from ....studies.tracking.mlflow.stores import choose_stores
from ....training.export.manifest import ExportManifest, other_files
from ....training.report import IMPORTING
from ...configuration.model_copies import ModelCopies
from ...configuration.settle import settle
from ...progress.single import RetrainWatcher
from ...resolve.shared import fetch_shared
from ...resolve.trust import admit_model
from ..export.register import register_export
from ..export.table import formats_to_json
from .choose import Chosen, choose
from .contest import run_race
from .export_winner import make_export
from .fit import find_pack
from .options import RetrainOptions
from .track import tracked


@dataclass(frozen=True, slots=True)
class RetrainResult:
    """An exported winner: its manifest, its folder and its registration.

    `registered` is how the model registry names it, None where MLflow was left out or failed; `registry` is the URI of
    the registry that has it, without a password; `registry_error` says how it failed.
    """

    manifest: ExportManifest
    export_dir: Path
    registered: str | None = None
    registry: str | None = None
    registry_error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo retrain-best --json` prints."""
        manifest = self.manifest
        return {
            "study": manifest.study,
            "trial": manifest.trial,
            **manifest.metrics.model_dump(mode="json"),
            "selection": manifest.selection and manifest.selection.model_dump(mode="json"),
            "gap": manifest.gap and manifest.gap.model_dump(mode="json"),
            "epochs": manifest.training.epochs,
            "temperature": manifest.temperature,
            "onnx_max_abs_diff": manifest.onnx.max_abs_diff,
            "onnx_top1_agreement": manifest.onnx.top1_agreement,
            "onnx_images": manifest.onnx.images,
            **formats_to_json(manifest),
            "export_dir": str(self.export_dir),
            "registered": self.registered,
            "registry": self.registry,
            "registry_error": self.registry_error,
        }


def retrain_best(options: RetrainOptions, watcher: RetrainWatcher) -> RetrainResult:
    """Retrain a study's winner, test it once, export and register it.

    It is trained on training and validation images, and registered as champion. With `candidates` or `seeds` it is the
    winner of a race on fresh seeds, else the best complete trial.

    Raises:
        TrustError: its model is a file that the user has not named to hpo as it is now.
        StudyError: no such study or trial, its shared files are not there, or another retraining of it is running.
        DataError: the study's images are missing or changed.
        TrainingError: the training failed (exit code 1), or the device is not there.
        ExportError: the model cannot be exported or does not verify; an earlier export is then as it was.
        KeyboardInterrupt: Ctrl-C; the same call goes on.
    """
    home = Home.locate(options.home)
    chosen = choose(options, home)
    for note in chosen.notes:
        watcher.note(note)
    home.create(watcher.note)
    chosen = _admitted(chosen, options, home, watcher)
    in_mlflow = "mlflow" in options.track
    stores = choose_stores(options.tracking_uri, home, chosen.study, watcher.note) if in_mlflow else None
    rehearsal = Rehearsal(stores, chosen.study)  # goes on while PyTorch is imported
    target = export_target(options.out, home.export(chosen.study))
    watcher.busy(IMPORTING)
    from ....training.machine.device import choose_device

    with _alone(home.study(chosen.study, "retrain"), chosen.study) as workshop:
        pack = find_pack(chosen, home.cache, options.data_root, watcher)
        rehearsal.check()
        device = choose_device(options.device, available_cores())
        if options.has_race:
            won = run_race(options, chosen.study, home, pack, device, workshop / "race", watcher)
            named = replace(options, trial=won.winner.trial, candidates=None, seeds=None)
            chosen = replace(_admitted(choose(named, home), named, home, watcher), race=won)
        # `auto` on this device, which need not be the trial's
        chosen = replace(chosen, config=settle(chosen.config, pack, device, home.cache, watcher))
        trial = home.trial(chosen.study, chosen.record.number)
        workshop /= chosen.folder  # a trial's own: several may be retrained in turn
        with tracked(chosen, options.track, home, watcher) as tracker:
            manifest = make_export(chosen, pack, device, workshop, trial, target, watcher, tracker)
            if tracker is not None:
                tracker.exported(manifest, target, workshop)
        return RetrainResult(manifest, target, *register_export(manifest, target, stores, home, pack, watcher))


def _admitted(chosen: Chosen, options: RetrainOptions, home: Home, watcher: RetrainWatcher) -> Chosen:
    """Return `chosen` with all that it needs at hand: what its study shares, and a model that may be run."""
    checkpoints = {chosen.record.number: chosen.record.checkpoint}
    if count := fetch_shared(options.checkpoint_dir, chosen.shared, chosen.study, home, checkpoints):
        watcher.note(f"fetched {plural(count, 'file')} that study {chosen.study} shares")
    # of a custom model the file that the trial ran, whatever it says today
    config = ModelCopies(home.models(chosen.study)).use_copy(chosen.config, chosen.record.model_source)
    admit_model(config.model, trust=options.trust, note=watcher.note, trained_with=chosen.record.model_source)
    return replace(chosen, config=config)


def export_target(out: Path | None, default: Path) -> Path:
    """Return the export's folder, checked before hours are spent.

    Nothing but an export of ours is ever replaced.
    """
    target = (out or default).expanduser().absolute()
    if target.exists() and not target.is_dir():
        raise SpaceError(f"--out must name a directory, but {target} is a file")
    if target.exists() and (foreign := other_files(target)):
        raise SpaceError(
            f"only an earlier export is replaced, but {target} holds {len(foreign)} other files, such as "
            f"{foreign[0]!r}\n"
            "  move them away, or name another directory with --out"
        )
    return _writable(target)


def _writable(target: Path) -> Path:
    """Return `target`, if a folder can be made beside it.

    The export is made there, and moved when it is whole.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # tried by doing: permissions alone do not tell
        with TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent):
            return target
    except OSError as error:
        raise ExportError(f"{target}: cannot be written: {error.strerror}") from error


@contextmanager
def _alone(workshop: Path, study: str) -> Iterator[Path]:
    """Hold `workshop`, made if needed, by this process alone.

    Two would write the same checkpoints.
    """
    try:
        workshop.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{workshop}: cannot be written: {error.strerror}") from error
    with held_if_free(workshop / ".lock") as free:
        if not free:
            raise StudyError(f"study {study} is being retrained by another process; wait for it, then try again")
        yield workshop
