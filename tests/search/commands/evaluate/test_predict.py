"""`hpo.predict` and the forms that `hpo predict` writes."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError, SpaceError
from hpo.search.api import predict
from hpo.search.commands.predict.files import WRITERS, LineWriter, format_of, replacing
from hpo.search.commands.predict.options import PredictOptions
from hpo.search.commands.predict.predict import count_files, describe_model, files_of
from PIL import Image
from sklearn.datasets import load_digits

from .conftest import Models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    (place / "deeper").mkdir(parents=True)
    for name, row in (("b, c.png", 3), ("deeper/a.png", 7)):
        Image.fromarray((load_digits().images[row] * 15.9).astype(np.uint8)).save(place / name)
    (place / "z.txt").write_text("notes")
    (place / ".hidden.png").write_text("")
    return place


def test_a_study_answers_for_all_files_below_a_folder(models: Models, folder: Path) -> None:
    options = PredictOptions("digits", home=models.home.root, device="cpu", batch_size=2)
    found = list(predict(options, [folder, str(folder / "b, c.png")]))
    assert [Path(answer.path).name for answer in found] == ["b, c.png", "a.png", "z.txt", "b, c.png"]
    assert [bool(answer.error) for answer in found] == [False, False, True, False]
    assert found[0].class_name == found[3].class_name
    assert found[0].probabilities == pytest.approx(found[3].probabilities, rel=1e-4)
    assert len(found[0].probabilities) == 10


def test_every_form_says_the_same(models: Models, folder: Path) -> None:
    options = PredictOptions(str(models.run), home=models.home.root, device="cpu")
    known, found = describe_model(options), list(predict(options, [folder]))
    texts = {}
    for name in WRITERS:
        form = WRITERS.find(name)
        out = io.StringIO()
        writer = form(out, known)
        for answer in found:
            writer.write(answer)
        writer.end(3, 1)
        texts[name] = out.getvalue()
    whole, lines = json.loads(texts["json"]), [json.loads(line) for line in texts["jsonl"].splitlines()]
    rows = list(csv.DictReader(texts["csv"].splitlines()))
    assert whole["predictions"] == lines
    assert (whole["files"], whole["failed"], whole["class_names"]) == (3, 1, list(known.class_names))
    assert [row["path"] for row in rows] == [line["path"] for line in lines] == [answer.path for answer in found]
    assert [row["class"] or None for row in rows] == [line.get("class") for line in lines]
    assert float(rows[0]["p(7)"]) == lines[0]["probabilities"]["7"] == found[0].probabilities[7]
    assert rows[2]["error"] == lines[2]["error"] == "text, not an image"


def test_no_files_are_still_one_json_object(models: Models) -> None:
    out = io.StringIO()
    WRITERS.find("json")(out, describe_model(PredictOptions(str(models.run)))).end(0, 0)
    assert json.loads(out.getvalue())["predictions"] == []


def test_a_line_is_for_reading(models: Models, folder: Path) -> None:
    options, out = PredictOptions(str(models.run), device="cpu"), io.StringIO()
    writer = LineWriter(out, describe_model(options))
    for answer in predict(options, [folder / "z.txt", folder / "deeper"]):
        writer.write(answer)
    first, second = out.getvalue().splitlines()
    assert first == f"{folder}/z.txt: error: text, not an image"
    assert second.endswith("%")


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    out = tmp_path / "answers.csv"
    out.write_text("former")
    with pytest.raises(UnicodeEncodeError), replacing(out) as file:
        file.write("half, then a lone surrogate: \udc80")
    assert out.read_text() == "former"
    with replacing(out) as file:
        file.write("whole")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["whole"]
    with pytest.raises(DataError, match=r"--out .*cannot be written"), replacing(tmp_path / "no" / "a.csv"):
        pytest.fail("it was opened")


def test_wrong_options_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="1 to 65536, got 0"):
        PredictOptions("m", batch_size=0)
    with pytest.raises(SpaceError, match="did you mean json"):
        format_of(Path("a.jsn"))
    with pytest.raises(DataError, match="no file to predict"):
        count_files([tmp_path])


def test_a_folder_without_end_is_no_trap(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "a.png").touch()
    assert list(files_of([tmp_path])) == [tmp_path / "a.png"]
