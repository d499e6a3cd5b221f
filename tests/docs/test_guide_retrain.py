"""docs/retrain-and-export.md: every way to use an export gives the same answer."""

import json
import re
from collections.abc import Callable

import pytest
from hpo.training.export.manifest import ExportManifest

from .conftest import Reader

GUIDE = "retrain-and-export.md"


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader, text_of: Callable[[str], str]) -> None:
    outputs = reader.follow(GUIDE)
    said = [output.split()[0] for output in outputs if re.match(r"\d", output)]
    assert said == ["7", "7", "7"]  # ONNX Runtime, PyTorch, MLflow
    (answer,) = json.loads((reader.directory / "answers.json").read_text())["predictions"]
    assert answer["class"] == "7"
    export = reader.directory / "runs" / "digits" / "export"
    assert {path.name for path in export.iterdir()} == set(
        re.findall(r"^\| `([\w.]+)` \|", text_of(GUIDE), re.MULTILINE)
    )
    assert ExportManifest.read(export).metrics.test_opening == 1
