"""docs/retrain-and-export.md: every way to use an export gives the same answer."""

import json
import re
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.common.preprocess import STEPS
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from hpo.training.export.classifier import Classifier
from hpo.training.export.export import export_model
from hpo.training.export.manifest import ExportManifest
from hpo.training.train import train
from hpo.training.trained.folder import Trained
from hpo.training.trained.model import open_trained
from hpo.training.trained.predict import predict_files
from PIL import Image

from .conftest import Reader

GUIDE = "retrain-and-export.md"


def scene(seed: int, side: int) -> Image.Image:
    """A smooth picture in colours, which every other one of its turns and shades can be told from."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def awkward(folder: Path) -> list[Path]:
    """A picture, kept in ways that a plain reader gets wrong."""
    picture = scene(7, 256)
    lying = Image.Exif()
    lying[0x0112] = 6  # how a telephone held upright stores it
    clear = picture.copy()
    clear.putalpha(Image.linear_gradient("L"))
    deep = np.asarray(picture.convert("L")).astype(np.uint16) * 257
    kinds: dict[str, tuple[Image.Image, dict[str, Any]]] = {
        "exif.jpg": (picture, {"exif": lying, "quality": 92}),
        "cmyk.jpg": (picture.convert("CMYK"), {}),
        "palette.png": (picture.quantize(64), {}),
        "clear_palette.gif": (picture.quantize(64), {"transparency": 3}),
        "clear.png": (clear, {}),
        "grey16.png": (Image.fromarray(deep), {}),
        "clear16.png": (Image.fromarray(deep), {"transparency": int(deep[9, 9])}),
        "large.jpg": (scene(7, 1200), {}),
        "wide.webp": (picture.resize((300, 200)), {}),
        "grey.png": (picture.convert("L"), {}),
        "float.tiff": (Image.fromarray(deep / np.float32(65535)), {}),
    }
    for name, (image, options) in kinds.items():
        image.save(folder / name, **options)
    return [folder / name for name in kinds]


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory, small_config: Callable[..., TrialConfig]
) -> tuple[Trained, Path]:
    """A run of a few epochs on pictures in colours, and the folder of its export."""
    root = tmp_path_factory.mktemp("colours")
    for number in range(24):
        path = root / "pictures" / "abc"[number % 3] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        scene(number, 16).save(path)
    data = DataConfig(source=str(root / "pictures"), batch_size=8)
    pack = prepare(data, cache=root / "cache")
    config = small_config(data=data.model_dump(), budget={"epochs": 5})
    run = TrainingFolder.create(root / "run", config, pack, "a test")
    list(train(config, pack=pack.path, directory=run.path, device="cpu"))
    export = root / "export"
    export.mkdir()
    export_model(Classifier.from_checkpoint(run.path / "best.ckpt", config, Pack.open(pack.path)), config, pack, export)
    return Trained.describe(run.path), export


def test_the_script_answers_as_hpo_predict_does_to_awkward_files(
    exported: tuple[Trained, Path], tmp_path: Path, text_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    known, export = exported
    (code,) = re.findall(r"^```python\n(# classify\.py\n.*?)^```$", text_of(GUIDE), re.DOTALL | re.MULTILINE)
    script = tmp_path / "classify.py"
    script.write_text(code)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for answer in predict_files(open_trained(known), awkward(tmp_path), 4):
        monkeypatch.setattr(sys, "argv", ["classify.py", str(export / "model.onnx"), answer.path])
        shares = runpy.run_path(str(script))["shares"]
        assert shares == pytest.approx(answer.probabilities, abs=1e-5), answer.path


def test_the_rule_in_the_guide_is_that_of_the_code(text_of: Callable[[str], str]) -> None:
    told = " ".join(text_of("data.md").split())
    assert " ".join(f"{number}. {step}" for number, step in enumerate(STEPS, 1)) in told
    assert "nine steps" in text_of(GUIDE)
    assert len(STEPS) == 9


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader, text_of: Callable[[str], str]) -> None:
    outputs = reader.follow(GUIDE)
    said = [output.split()[0] for output in outputs if re.match(r"\d", output)]
    assert said == ["7", "7", "7"]  # ONNX Runtime, PyTorch, MLflow
    (answer,) = json.loads((reader.directory / "answers.json").read_text())["predictions"]
    assert answer["class"] == "7"
    export = reader.directory / "runs" / "digits" / "export"
    table = text_of(GUIDE).split("## What is in the folder")[1].split("\n## ")[0]
    files = {
        path.name for path in export.iterdir() if path.name != "__pycache__"
    }  # of its script, once that was imported
    assert files == set(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE))
    assert ExportManifest.read(export).metrics.test_opening == 1
