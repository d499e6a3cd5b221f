"""An export that this account's hpo did not make is data: nothing in it is run, and the numbers are the same."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.common import trust
from hpo.errors import ExportError, TrustError
from hpo.search.api import export, infer_check, predict
from hpo.search.commands.evaluate.evaluate import evaluate
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.search.commands.export.options import ExportOptions
from hpo.search.commands.predict.options import PredictOptions
from hpo.training.data.pack import Pack
from hpo.training.export.export_folder import ExportFolder
from hpo.training.export.formats.registry import FORMATS
from hpo.training.export.manifest import ExportManifest
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained
from PIL import Image
from sklearn.datasets import load_digits

from ..notes import Notes
from .attacks import described, expression, pickled_weight
from .conftest import Models

Attack = Callable[[Path, Path], None]

pytestmark = pytest.mark.usefixtures("warm_children")


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())


@pytest.fixture
def foreign(models: Models, tmp_path: Path) -> Path:
    """An export as somebody else would have made it: whole, and not on record."""
    folder = shutil.copytree(models.export, tmp_path / "theirs")
    manifest = ExportManifest.read(folder)
    manifest.model_copy(update={"created": "2026-01-01T00:00:00+00:00"}).write(folder)
    return folder


@pytest.fixture(params=[pickled_weight, expression])
def attacked(request: pytest.FixtureRequest, foreign: Path, mark: Path) -> Path:
    """The same with a model.pt2 that runs code as it is loaded, and a manifest that describes it."""
    attack: Attack = request.param
    attack(foreign / "model.pt2", mark)
    described(foreign)
    return foreign


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "seven.png"
    Image.fromarray((load_digits().images[7] * 15.9).astype(np.uint8)).save(path)
    return path


def test_the_attack_works_where_the_program_is_loaded(attacked: Path, mark: Path, image: Path) -> None:
    """Else the tests below would show nothing."""
    with pytest.raises(ExportError, match="cannot be loaded"):
        predict(PredictOptions(str(attacked), device="cpu", trust=True), [image])
    assert mark.exists()


def test_predict_and_evaluate_take_what_is_data(attacked: Path, mark: Path, image: Path, models: Models) -> None:
    (answer,) = predict(PredictOptions(str(attacked), device="cpu"), [image])
    (wanted,) = predict(PredictOptions(str(models.export), device="cpu"), [image])
    assert answer.probabilities == pytest.approx(wanted.probabilities, abs=1e-5)
    notes = Notes()
    evaluate(EvaluateOptions(str(attacked), "digits", device="cpu", home=models.home.root, tracking_uri="none"), notes)
    assert any("not made by this account's hpo, so model.onnx answers, on the CPU" in note for note in notes.notes)
    assert not mark.exists()


def test_infer_check_and_export_refuse(attacked: Path, mark: Path, models: Models, tmp_path: Path) -> None:
    checked = infer_check(attacked)
    assert checked.refused == ("pt2",)
    assert not checked.holds
    assert [check.name for check in checked.formats if check.holds] == ["onnx"]
    with pytest.raises(TrustError, match="loading its programs may run code"):
        export(ExportOptions(str(attacked), ("onnx-fp16",), tmp_path / "out", home=models.home.root))
    assert not mark.exists()
    assert not (tmp_path / "out").exists()


def test_a_file_changed_after_an_export_went_on_record_is_found_before_it_is_loaded(
    models: Models, tmp_path: Path, mark: Path, image: Path
) -> None:
    own = shutil.copytree(models.export, tmp_path / "own")
    expression(own / "model.pt2", mark)
    with pytest.raises(ExportError, match=r"model\.pt2: is not the file that manifest\.json describes") as caught:
        predict(PredictOptions(str(own), device="cpu"), [image])
    assert caught.value.exit_code == 2
    with pytest.raises(ExportError, match="is not the file"):
        infer_check(own)
    assert not mark.exists()


@pytest.mark.parametrize("name", ["model.onnx", "samples.npz"])
def test_every_file_that_is_opened_is_compared_first(foreign: Path, image: Path, name: str) -> None:
    (foreign / name).write_bytes((foreign / name).read_bytes() + b"\0")
    with pytest.raises(ExportError, match=f"{name}: is not the file"):
        infer_check(foreign)
    if name == "model.onnx":
        with pytest.raises(ExportError, match="is not the file"):
            predict(PredictOptions(str(foreign), device="cpu"), [image])


def test_a_file_that_is_not_described_is_not_opened(foreign: Path, image: Path) -> None:
    manifest = ExportManifest.read(foreign)
    files = {name: file for name, file in manifest.files.items() if name != "model.onnx"}
    manifest.model_copy(update={"files": files}).write(foreign)
    with pytest.raises(ExportError, match=r"describes no file model\.onnx of the export"):
        predict(PredictOptions(str(foreign), device="cpu"), [image])
    assert "describes no file model.onnx" in infer_check(foreign).formats[0].error
    manifest.model_copy(update={"files": {**files, "../up": files["samples.npz"]}}).write(foreign)
    with pytest.raises(ExportError, match=r"must be files of the export, got '\.\./up'"):
        infer_check(foreign)


def test_both_ways_give_the_same_logits(models: Models, foreign: Path, digits_pack: Path) -> None:
    images = np.asarray(Pack.open(digits_pack).val.images)
    program, graph = open_trained(Trained.describe(models.export)), open_trained(Trained.describe(foreign))
    assert (program.note, program.version) == ("", graph.version)
    np.testing.assert_allclose(graph.logits(images), program.logits(images), atol=1e-5)


def test_that_a_device_is_not_followed_is_said(foreign: Path) -> None:
    model = open_trained(Trained.describe(foreign), "cuda:0")
    assert "on the CPU and not on cuda:0" in model.note
    assert model.device.type == "cpu"


def test_a_graph_of_other_classes_is_refused(foreign: Path) -> None:
    manifest = ExportManifest.read(foreign)
    manifest.model_copy(update={"class_names": ("a", "b")}).write(foreign)
    with pytest.raises(ExportError, match=r"must give logits \[1, 2\], got \[1, 10\]"):
        open_trained(Trained.describe(foreign))


@pytest.mark.slow
def test_a_copy_of_ones_own_is_ones_own(models: Models, tmp_path: Path) -> None:
    copy = shutil.copytree(models.export, tmp_path / "copy")
    assert ExportFolder.open(copy).is_on_record
    assert infer_check(copy).holds


@pytest.mark.slow
def test_trust_runs_all_of_it_and_says_so(foreign: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert infer_check(foreign, trust=True).holds
    assert "its programs are loaded all the same (--trust)" in capsys.readouterr().err


def test_an_export_made_of_a_trusted_one_is_ones_own(foreign: Path, models: Models, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ExportOptions(str(foreign), ("onnx-fp16",), out, home=models.home.root, tracking_uri="none", trust=True)
    export(options)
    assert ExportFolder.open(out).is_on_record


def test_every_format_says_what_loading_it_may_do() -> None:
    assert {name for name in FORMATS.names() if FORMATS.find(name).may_run_code} == {"executorch", "pt2", "torchscript"}
