"""The whole of `hpo retrain-best` on studies that are written down here, without a search."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import optuna
import pytest
from hpo.common import manifest as common_manifest
from hpo.errors import DataError, ExportError, SpaceError, StudyError
from hpo.search.commands.retrain.choose import choose
from hpo.search.commands.retrain.fit import RetrainError
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import retrain_best
from hpo.search.commands.train.options import TrainOptions
from hpo.search.commands.train.single import choose_single
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.export_folder import ExportFolder
from hpo.training.export.manifest import ExportManifest, Selection
from hpo.training.export.predictions import Predictions
from hpo.training.machine.numerics import Numerics
from hpo.training.report import EpochReport
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ..notes import Notes
from .conftest import Book, Retrain


def test_the_best_trial_is_trained_tested_once_and_exported(book: Book, retrain: Retrain, digits_pack: Path) -> None:
    book.add(0.5)
    config = book.add(0.9, optimizer={"name": "adamw", "lr": 5e-3})
    result, notes = retrain()
    manifest = ExportManifest.read(book.home.export("digits"))
    assert result.manifest == manifest
    schema = json.loads(Path(common_manifest.__file__).with_name("manifest.schema.json").read_text())
    jsonschema.validate(json.loads((book.home.export("digits") / "manifest.json").read_text()), schema)
    assert (manifest.trial, manifest.config) == (1, Numerics("fp32", "off").settle(config))
    assert notes.epochs == [1, 2]
    pack = Pack.open(digits_pack)
    assert manifest.training.images == pack.size("train") + pack.size("val")
    assert manifest.metrics.test_images == pack.size("test")
    assert manifest.metrics.val_accuracy == 0.9
    assert manifest.selection == Selection(metric="val_accuracy", at="the last epoch", value=0.9, epoch=2)
    assert len(book.openings()) == manifest.metrics.test_opening == 1
    for name, file in manifest.files.items():
        assert (result.export_dir / name).stat().st_size == file.size_bytes
    assert set(manifest.files) >= {"model.onnx", "model.pt2", "samples.npz", "reference.npz"}
    predictions = Predictions.of(ExportFolder.open(result.export_dir))
    assert predictions is not None
    assert predictions.right.mean() == manifest.metrics.test_accuracy
    assert set(manifest.formats) == {"onnx", "pt2"}
    printed = json.loads(json.dumps(result.to_json(), allow_nan=False))
    wanted = {"study", "trial", "val_accuracy", "test_accuracy", "test_interval", "onnx_max_abs_diff"}
    assert wanted | {"onnx_top1_agreement", "export_dir"} <= printed.keys()


def test_a_test_far_from_validation_is_told_with_what_can_be_seen(book: Book, retrain: Retrain) -> None:
    book.add(0.5)
    book.add(0.9, optimizer={"name": "adamw", "lr": 1e-6})  # it learns nothing, whatever its 0.9 says
    result, notes = retrain()
    gap = result.manifest.gap
    assert gap is not None
    assert (gap.accuracy[0], gap.images, gap.chosen_among) == (0.9, (180, 180), 2)
    assert gap.brightness is not None
    assert ExportManifest.read(result.export_dir).gap == gap
    assert result.to_json()["gap"]["shared"] == gap.shared == 0
    told = next(number for number, note in enumerate(notes.notes) if "differ by more than chance" in note)
    assert [note.split(":")[0] for note in notes.notes[told + 1 : told + 4]] == ["  classes", "  images", "  copies"]


@pytest.mark.slow
def test_again_neither_trains_nor_opens_the_test_split(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    first, _ = retrain()
    again, notes = retrain()
    assert notes.epochs == []
    assert len(book.openings()) == 1
    assert again.manifest.metrics == first.manifest.metrics
    assert again.manifest.model_version == first.manifest.model_version


@pytest.mark.slow
def test_another_look_at_the_test_split_is_counted_and_said(book: Book, retrain: Retrain, tmp_path: Path) -> None:
    book.add(0.9)
    retrain()
    result, notes = retrain(epochs=1, out=tmp_path / "other")
    assert result.manifest.metrics.test_opening == 2
    assert any("opening 2" in note for note in notes.notes)
    assert result.manifest.training.schedule_epochs == 1
    assert (tmp_path / "other" / "model.onnx").exists()


def test_any_trial_may_be_taken(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    book.add(None, state=optuna.trial.TrialState.PRUNED)
    result, _ = retrain(trial=1)
    assert result.manifest.trial == 1


def test_an_early_stopped_trial_is_trained_to_the_epoch_that_counts(book: Book, retrain: Retrain) -> None:
    book.add(0.9, epochs=3, best_epoch=2, budget={"epochs": 6, "patience": 1})
    result, notes = retrain()
    assert notes.epochs == [1, 2]
    assert (result.manifest.training.epochs, result.manifest.training.schedule_epochs) == (2, 6)


def test_epochs_replace_the_budget_and_its_schedule(book: Book) -> None:
    book.add(0.9, epochs=3, best_epoch=2, budget={"epochs": 6, "patience": 1})
    chosen = choose(RetrainOptions(home=book.home.root, epochs=9), book.home)
    assert (chosen.epochs, chosen.config.budget.epochs, chosen.last_epoch) == (9, 9, None)
    assert chosen.folder == "trial-0-9"


def test_an_unknown_trial_or_study_is_named_with_what_there_is(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    with pytest.raises(StudyError, match="trials 0 to 0, got 7"):
        retrain(trial=7)
    with pytest.raises(StudyError, match="did you mean digits"):
        retrain(study="digit")


def test_a_study_without_a_complete_trial_says_what_it_has(book: Book, retrain: Retrain) -> None:
    book.add(None, state=optuna.trial.TrialState.PRUNED)
    with pytest.raises(StudyError, match=r"no complete trial, but 1 pruned; --trial 0"):
        retrain()


def test_looking_in_an_empty_home_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="holds no studies"):
        retrain_best(RetrainOptions(home=tmp_path / "none"), Notes())
    assert not (tmp_path / "none").exists()


def test_a_lost_pack_is_prepared_again(book: Book, retrain: Retrain, digits_pack: Path) -> None:
    book.add(0.9)
    (book.home.cache / digits_pack.name).unlink()
    result, _ = retrain()
    assert result.manifest.data_fingerprint == digits_pack.name


def test_images_that_were_moved_are_taken_from_where_the_study_has_them_now(book: Book) -> None:
    book.add(0.9, data={"source": "/old/pics", "split_file": "/old/split.csv"})
    study = optuna.load_study(study_name="digits", storage=open_storage(book.home.storage_url))
    fixed = {"data.source": {"value": "/new/pics"}, "data.split_file": {"value": "/new/split.csv"}}
    study.set_user_attr(attributes.SPACE, json.dumps({"fixed": fixed, "parameters": {}}))
    chosen = choose(RetrainOptions(home=book.home.root), book.home)
    assert (chosen.config.data.source, chosen.config.data.split_file) == ("/new/pics", "/new/split.csv")
    single = choose_single(TrainOptions(trial="digits/0", home=book.home.root), book.home)
    assert single.config.data.source == "/new/pics"


def test_changed_images_are_refused(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> None:
    book = Book(Home(tmp_path / "runs"), "0" * 24, small_config)
    book.add(0.9)
    with pytest.raises(DataError, match="fingerprint 000000000000"):
        retrain_best(RetrainOptions(home=book.home.root, tracking_uri="none", device="cpu"), Notes())


def test_other_peoples_files_are_never_replaced(book: Book, retrain: Retrain, tmp_path: Path) -> None:
    book.add(0.9)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("")
    for wrong in ("thesis", "thesis/chapter1.tex"):
        with pytest.raises(SpaceError, match="--out"):
            retrain(out=tmp_path / wrong)
    assert book.openings() == []


def test_epochs_must_be_positive() -> None:
    with pytest.raises(SpaceError, match="--epochs must be 1 to 100000, got 0"):
        RetrainOptions(epochs=0)


def test_a_training_that_diverges_exports_nothing(book: Book, retrain: Retrain) -> None:
    book.add(0.9, optimizer={"name": "sgd", "lr": 100.0, "momentum": 0.99})
    with pytest.raises(RetrainError, match="diverged") as caught:
        retrain()
    assert caught.value.exit_code == 1
    assert not book.home.export("digits").exists()
    assert book.openings() == []


def test_an_export_that_fails_costs_no_look_and_keeps_the_former(book: Book, retrain: Retrain, tmp_path: Path) -> None:
    book.add(0.5)
    retrain()
    former = (book.home.export("digits") / "manifest.json").read_bytes()
    net = tmp_path / "mynet.py"
    net.write_text(
        "from torch import nn\n"
        "class Net(nn.Sequential):\n"
        "    def __init__(self, num_classes, in_channels):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))\n"
        "    def forward(self, images):\n"
        "        return super().forward(images) * (1 if self.training or images.sum() > 0 else 2)\n"
    )
    book.add(0.9, model={"name": f"{net}:Net"})
    watcher = Notes()
    with pytest.raises(ExportError, match=r"mynet\.py:6"):
        retrain_best(RetrainOptions(home=book.home.root, tracking_uri="none", device="cpu"), watcher)
    assert watcher.epochs == []  # it is found before anything is trained
    assert (book.home.export("digits") / "manifest.json").read_bytes() == former
    assert len(book.openings()) == 1


def test_a_place_that_cannot_be_written_is_found_before_training(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    watcher = Notes()
    options = RetrainOptions(home=book.home.root, out=Path("/proc/export"), tracking_uri="none", device="cpu")
    with pytest.raises(ExportError, match=r"/proc/export: cannot be written"):
        retrain_best(options, watcher)
    assert watcher.epochs == []


def test_one_retraining_of_a_study_at_a_time(book: Book, retrain: Retrain) -> None:
    book.add(0.9)

    class Inner(Notes):
        def epoch(self, report: EpochReport) -> None:
            with pytest.raises(StudyError, match="another process"):
                retrain()
            self.epochs.append(report.epoch)

    watcher = Inner()
    retrain_best(RetrainOptions(home=book.home.root, tracking_uri="none", device="cpu"), watcher)
    assert watcher.epochs == [1, 2]


def test_a_silent_mlflow_loses_nothing(book: Book, retrain: Retrain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    book.add(0.9)
    result, _ = retrain(tracking_uri="http://127.0.0.1:9")
    assert result.registered is None
    assert "127.0.0.1:9" in str(result.registry_error)
    assert (result.export_dir / "model.onnx").exists()


def test_the_training_and_the_test_of_the_winner_are_shown_in_tensorboard(book: Book, retrain: Retrain) -> None:
    book.add(0.9)
    result, _ = retrain(track=("tensorboard",))
    assert result.registered is None
    shown = EventAccumulator(str(book.home.study("digits") / "tensorboard" / "champion-trial-0"))
    shown.Reload()
    epochs = result.manifest.training.epochs
    assert [point.step for point in shown.Scalars("train_loss")] == list(range(1, epochs + 1))
    (tested,) = shown.Scalars("test_accuracy")
    assert tested.value == pytest.approx(result.manifest.metrics.test_accuracy)
    (picture,) = shown.Images("confusion_matrix")
    assert picture.width > 100
