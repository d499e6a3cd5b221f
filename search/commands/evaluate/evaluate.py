"""`hpo evaluate`, composed: model -> labelled images -> report -> records.

The report is kept beside the model and with its study.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ....errors import SpaceError
from ....studies.home import Home
from ....training.checkpoints.files import BEST
from ....training.report import IMPORTING
from ....training.trained.folder import Trained
from ...progress.single import RetrainWatcher
from ...resolve.data import choose_labelled
from ...resolve.model import choose_model, open_model, openings_log
from ...resolve.pack import same_data
from .options import EvaluateOptions
from .record import record

if TYPE_CHECKING:
    from ....training.evaluation.evaluation import EvaluationReport
    from ....training.evaluation.subject import Subject

Part = Literal["test", "val"]


@dataclass(frozen=True, slots=True)
class EvaluateOutcome:
    """The report of an evaluation, and the folder it is kept in.

    `unrecorded` says what could not be recorded elsewhere, a line each.
    """

    report: "EvaluationReport"
    folder: Path
    unrecorded: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo evaluate --json` prints."""
        return {**self.report.to_json(), "folder": str(self.folder), "unrecorded": list(self.unrecorded)}


def evaluate(options: EvaluateOptions, watcher: RetrainWatcher) -> EvaluateOutcome:
    """Evaluate a trained model, keep the report, and record it.

    It is kept beside the model, and recorded on the model's trial and in MLflow.

    Raises:
        HpoError: the model, the data, the split or the device is wrong; the test split was not opened then.
    """
    home = Home.locate(options.home)
    trained = choose_model(options.model, home, options.storage)
    part = None if options.data is not None else _part(options, trained)
    watcher.busy(IMPORTING)  # torch takes seconds: all that needs none is checked before
    return _evaluate(options, trained, part, home, watcher)


def _evaluate(
    options: EvaluateOptions, trained: Trained, part: Part | None, home: Home, watcher: RetrainWatcher
) -> EvaluateOutcome:
    """Evaluate `part` or the new data; torch is imported from here on."""
    from ....training.evaluation.evaluation import evaluate_model
    from ....training.evaluation.keep import keep
    from ....training.export.names import EVALUATION, EVALUATION_PAGE
    from ....training.fonts import missing_note

    model = open_model(trained, options.device, options.trust, watcher.note)  # before the test split is opened
    subject = _subject(options, trained, part, home, watcher)
    for note in subject.notes:
        watcher.note(note)
    if subject.opening is not None and subject.opening > 1:
        watcher.note(f"opening {subject.opening} of this test split: the more often it decides, the less it tells")
    report = evaluate_model(model, subject, part, watcher.stage)
    folder = trained.path / EVALUATION / subject.key
    keep(report, subject, folder)
    if note := missing_note((report.title, *report.class_names)):
        watcher.note(note)
    if options.html is not None:
        from ....studies.files import write_text

        write_text(options.html, (folder / EVALUATION_PAGE).read_text(encoding="utf-8"))
    unrecorded = record(report, subject.key, trained, folder, home, options.storage, options.tracking_uri, watcher.note)
    return EvaluateOutcome(report, folder, unrecorded)


def _part(options: EvaluateOptions, trained: Trained) -> Part:
    """The split to evaluate; one the model was trained on is refused."""
    # a training's validation images are unseen, and looking at them spends nothing
    part = options.split or ("test" if trained.kind == "export" else "val")
    if part == "val" and trained.kind == "export":
        raise SpaceError(
            "--split val: an export was trained on its validation images, so they tell nothing about it\n"
            "  --split test opens the test images; --data takes new ones"
        )
    return "test" if part == "test" else "val"


def _subject(
    options: EvaluateOptions, trained: Trained, part: Part | None, home: Home, watcher: RetrainWatcher
) -> "Subject":
    """The images to evaluate on: new ones, or the model's own split."""
    from ....training.checkpoints.checkpoint import load
    from ....training.data.pack import count_openings, open_test
    from ....training.evaluation.held_out import seen_by
    from ....training.evaluation.subject import SplitSubject, new_subject

    if options.data is not None:
        data = choose_labelled(options.data, options.overrides, trained.config.data, strict=options.strict)
        return new_subject(data, options.data_root, trained.class_names, trained.preprocessing, watcher.stage)
    assert part is not None  # without data there is a split
    config = trained.config.data
    home.create(watcher.note)
    pack = same_data(
        config,
        trained.fingerprint,
        cache=home.cache,
        data_root=options.data_root,
        progress=watcher.stage,
        of=str(trained.path),
        remedy="give other data with --data",
    )
    if part == "val":
        pack = seen_by(load(trained.path / BEST), pack)
        return SplitSubject(pack, part, pack.val, config, options.data_root)
    log = openings_log(trained, home)  # every look at the test split is counted, as its worth sinks with each
    split = open_test(pack, f"evaluate {trained.path}", log)
    return SplitSubject(pack, part, split, config, options.data_root, count_openings(pack, log))
