"""What programs leave among images never counts as images, wherever it lies and whatever it is called."""

from pathlib import Path

import pytest
from hpo.errors import DataError
from hpo.search.commands.predict.predict import files_of
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.prepare import prepare
from PIL import Image


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write(tmp_path / "data", "cat", "dog")


def write(root: Path, *folders: str) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True)
        for number in range(20):
            Image.new("L", (8, 8), number).save(root / folder / f"{number:02}.png")
    return root


def begin(home: Path) -> Home:
    """A home as a search begins it: with a store, and nothing else yet."""
    open_storage(Home.locate(home).storage_url)
    return Home.locate(home)


@pytest.mark.parametrize("place", ["runs", "my studies", "cat/runs", "cat/deep/runs"])
def test_a_home_among_the_images_is_no_data(root: Path, place: str) -> None:
    home = begin(root / place)
    first = prepare(DataConfig(source=str(root)), cache=home.cache)
    assert (first.class_names, first.skipped) == (("cat", "dog"), ())
    assert first.notes == (f"no data, and not used: {place} (a home of hpo)",)
    write(home.root, "study/export/evaluation", "train/net-1")
    assert prepare(DataConfig(source=str(root)), cache=home.cache) == first


def test_a_home_of_packs_alone_is_no_data(root: Path) -> None:
    """The store of studies may be elsewhere."""
    home = Home.locate(root / "runs")
    first = prepare(DataConfig(source=str(root)), cache=home.cache)
    assert first.class_names == ("cat", "dog")
    assert prepare(DataConfig(source=str(root)), cache=home.cache) == first
    assert inspect_data(DataConfig(source=str(root))).notes == ("no data, and not used: runs (a home of hpo)",)


def test_a_home_beside_given_splits_and_inside_one(tmp_path: Path) -> None:
    root = write(tmp_path, *(f"{split}/{name}" for split in ("train", "test") for name in ("cat", "dog")))
    begin(root / "runs")
    begin(root / "train" / "runs")
    found = inspect_data(DataConfig(source=str(root)))
    assert found.class_names == ("cat", "dog")
    assert found.notes == ("no data, and not used: runs (a home of hpo), train/runs (a home of hpo)",)


def test_a_home_beside_a_table_is_not_looked_into(root: Path) -> None:
    home = write(begin(root / "runs").root, "pictures").parent / "runs"
    (home / "pictures").rename(home.parent / "photos")
    write(home, "00.png.d")
    for number in range(20):
        Image.new("L", (8, 8), 255).save(home / f"{number:02}.png")
    for name in ("cat", "dog"):
        (root / name).rename(root.parent / name)
    (root / "labels.csv").write_text("path,label\n" + "".join(f"{n:02}.png,{'ab'[n % 2]}\n" for n in range(20)))
    assert inspect_data(DataConfig(source=str(root))).names[0] == "photos/00.png"


def test_a_class_may_be_called_runs(root: Path) -> None:
    write(root, "runs", "mlruns", "venv")
    found = inspect_data(DataConfig(source=str(root)))
    assert found.class_names == ("cat", "dog", "mlruns", "runs", "venv")
    assert found.notes == ()


@pytest.mark.parametrize(
    ("signs", "kind"),
    [
        (("studies.db",), "a home of hpo"),
        (("mlflow.db",), "a home of hpo"),
        (("study.json", "space.yaml"), "a study of hpo"),
        (("config.json", "run.json"), "a training of hpo"),
        (("manifest.json", "model.onnx"), "an exported model"),
        (("0/meta.yaml",), "a store of MLflow"),
        (("pyvenv.cfg",), "a virtual environment"),
    ],
)
def test_what_is_kept_apart_and_how_it_is_known(root: Path, signs: tuple[str, ...], kind: str) -> None:
    write(root, "left")
    for sign in signs:
        (root / "left" / sign).parent.mkdir(exist_ok=True)
        (root / "left" / sign).touch()
    found = inspect_data(DataConfig(source=str(root)))
    assert (found.class_names, found.notes) == (("cat", "dog"), (f"no data, and not used: left ({kind})",))
    with pytest.raises(DataError, match=f"left is {kind}, not a folder of images"):
        inspect_data(DataConfig(source=str(root / "left")))


def test_files_to_predict_are_not_looked_for_in_a_home(root: Path) -> None:
    write(begin(root / "runs").root, "study")
    heard: list[tuple[Path, str]] = []
    assert {path.parent.name for path in files_of([root], lambda *told: heard.append(told))} == {"cat", "dog"}
    assert heard == [(root / "runs", "a home of hpo")]
    assert len(list(files_of([root / "runs" / "study"]))) == 20
