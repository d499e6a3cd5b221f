import json
import logging
import re
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hpo.common import preprocess
from hpo.errors import ExportError
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.export.classifier import Classifier
from hpo.training.export.export import Exported, export_model
from hpo.training.export.pixels import as_input, sample
from hpo.training.models.registry import MODELS

USER_MODEL = """
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self, num_classes, in_channels, hidden=16):
            super().__init__()
            self.conv = nn.Conv2d(in_channels, hidden, 3)
            self.attention = nn.MultiheadAttention(hidden, 2, batch_first=True)
            self.head = nn.Linear(hidden, num_classes)

        def forward(self, images):
            x = self.conv(images).flatten(2).transpose(1, 2)
            x, _ = self.attention(x, x, x, need_weights=False)
            return self.head(nn.functional.gelu(x.mean(dim=1)))

    class Branches(Net):
        def forward(self, images):
            if images.mean() > 0:
                images = -images
            return super().forward(images)

    class FixedBatch(Net):
        def forward(self, images):
            return super().forward(images.reshape(2, 1, 8, 8))
"""

SMALLER: dict[str, dict[str, Any]] = {"resnet": {"depth": 10, "width": 8}, "timm": {"arch": "test_resnet"}}
"""What is smaller than a model by default, of the same layers."""

Export = Callable[[TrialConfig], tuple[Path, Exported]]


@pytest.fixture
def export(make_classifier: Callable[[TrialConfig], Classifier], digits: Pack, tmp_path: Path) -> Export:
    def export(config: TrialConfig) -> tuple[Path, Exported]:
        return tmp_path, export_model(make_classifier(config), config, digits, tmp_path)

    return export


@pytest.fixture(scope="module")
def small_export(
    make_classifier: Callable[[TrialConfig], Classifier],
    small_config: Callable[..., TrialConfig],
    digits: Pack,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, Exported]:
    """The export of a small network, which tests look at and leave as it is."""
    folder, config = tmp_path_factory.mktemp("export"), small_config()
    return folder, export_model(make_classifier(config), config, digits, folder)


@pytest.fixture
def user_model(tmp_path: Path, small_config: Callable[..., TrialConfig]) -> Callable[[str], TrialConfig]:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "mynet.py").write_text(textwrap.dedent(USER_MODEL))
    return lambda name: small_config(model={"name": f"{folder / 'mynet.py'}:{name}"})


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS.names())
def test_every_registered_model_exports(name: str, export: Export, small_config: Callable[..., TrialConfig]) -> None:
    folder, exported = export(small_config(model={"name": name, **SMALLER.get(name, {})}))
    assert exported.onnx.images == 512
    assert exported.onnx.max_abs_diff < 1e-4
    assert exported.onnx.top1_agreement == exported.program.top1_agreement == 1.0
    onnx.checker.check_model(folder / "model.onnx", full_check=True)


def test_a_users_own_model_exports(export: Export, user_model: Callable[[str], TrialConfig]) -> None:
    _, exported = export(user_model("Net"))
    assert exported.onnx.max_abs_diff < 1e-4


@pytest.mark.parametrize(
    ("name", "place"), [("Branches", r"mynet\.py:19: a branch"), ("FixedBatch", "fixes the batch size")]
)
def test_a_model_that_is_no_graph_is_named_with_its_line(
    name: str, place: str, export: Export, user_model: Callable[[str], TrialConfig]
) -> None:
    with pytest.raises(ExportError, match=place) as caught:
        export(user_model(name))
    assert len(str(caught.value).splitlines()) <= 3


def test_the_onnx_file_says_how_to_use_it(small_export: tuple[Path, Exported], digits: Pack) -> None:
    folder, exported = small_export
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    meta = session.get_modelmeta().custom_metadata_map
    assert json.loads(meta["class_names"]) == list(digits.class_names)
    assert json.loads(meta["mean"]) == list(digits.mean)
    assert json.loads(meta["std"]) == list(digits.std)
    assert (meta["image_size"], meta["channels"], meta["color_mode"]) == ("8", "1", "L")
    assert meta["model_version"] == exported.weights_digest[:12]
    assert json.loads(meta["steps"]) == list(preprocess.STEPS)
    [images], [logits] = session.get_inputs(), session.get_outputs()
    assert (images.name, images.type, images.shape) == ("images", "tensor(uint8)", ["batch", 1, 8, 8])
    assert (logits.name, logits.type, logits.shape) == ("logits", "tensor(float)", ["batch", 10])
    assert not list(folder.glob("*.data"))  # all weights are inside


def test_the_rule_for_files_lies_beside_it_and_needs_nothing_of_hpo(small_export: tuple[Path, Exported]) -> None:
    folder, _ = small_export
    copy = (folder / "preprocess.py").read_text()
    assert copy == Path(preprocess.__file__).read_text()
    imports = re.findall(r"^\s*(?:from|import) ([.\w]+)", copy, re.MULTILINE)
    assert set(imports) - sys.stdlib_module_names == {"numpy", "numpy.typing", "PIL"}


def test_files_tell_nothing_of_the_machine_they_were_made_on(small_export: tuple[Path, Exported]) -> None:
    folder, _ = small_export
    here = str(Path(__file__).parents[3]).encode()
    assert here not in (folder / "model.onnx").read_bytes()
    with zipfile.ZipFile(folder / "model.pt2") as archive:
        assert not [name for name in archive.namelist() if here in archive.read(name)]


def test_exporters_keep_quiet(
    export: Export, small_config: Callable[..., TrialConfig], capfd: pytest.CaptureFixture[str]
) -> None:
    before = logging.getLogger("torch.onnx").level
    export(small_config())
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("torch.onnx").level == before


def test_onnx_runs_where_there_is_no_torch(
    small_export: tuple[Path, Exported],
    make_classifier: Callable[[TrialConfig], Classifier],
    small_config: Callable[..., TrialConfig],
    digits: Pack,
    tmp_path: Path,
) -> None:
    folder, _ = small_export
    images = as_input(sample(digits.val, 50))
    np.save(tmp_path / "images.npy", images)
    code = """
        import sys
        sys.modules["torch"] = None
        import json, numpy, onnxruntime
        session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
        names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
        logits = session.run(None, {"images": numpy.load("images.npy")})[0]
        print(json.dumps([names[i] for i in logits.argmax(axis=1)]))
    """
    command = [sys.executable, "-c", textwrap.dedent(code), folder / "model.onnx"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    with torch.no_grad():
        wanted: Any = make_classifier(small_config())(torch.from_numpy(images)).argmax(dim=1)
    assert json.loads(done.stdout) == [digits.class_names[i] for i in wanted]


def test_pixels_of_the_wrong_scale_are_refused(small_export: tuple[Path, Exported]) -> None:
    folder, _ = small_export
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    with pytest.raises(onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, match="uint8"):
        session.run(None, {"images": np.zeros((1, 1, 8, 8), np.float32)})
