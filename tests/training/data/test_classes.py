"""data.classes: which classes of a source are used, in which order."""

from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.inspection import Inspection
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare
from PIL import Image


def write(folder: Path, count: int = 10, shade: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("L", (8, 8), shade + number).save(folder / f"{number}.png")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three classes, told by shade, and a folder of charts that nobody means."""
    for number, name in enumerate(("cat", "dog", "eel", "plots")):
        write(tmp_path / "data" / name, shade=50 * number)
    return tmp_path / "data"


def pack(source: Path | str, *classes: str) -> Pack:
    config = DataConfig.model_validate({"source": str(source), "classes": classes or None})
    cache = source.parent / "cache" if isinstance(source, Path) else Path("never")
    return prepare(config, cache=cache)


def look(source: Path | str, *classes: str) -> Inspection:
    return inspect_data(DataConfig.model_validate({"source": str(source), "classes": classes or None}))


def test_the_classes_named_are_used_in_their_order(root: Path) -> None:
    packed = pack(root, "eel", "cat")
    assert packed.class_names == ("eel", "cat")
    assert packed.counts == {"train": (8, 8), "val": (1, 1), "test": (1, 1)}
    assert packed.notes == ("not among data.classes, and not used: dog, plots",)
    shades = packed.train_and_val.images[:, 0, 0, 0]
    assert np.array_equal(packed.train_and_val.labels, np.where(shades < 50, 1, 0))
    assert len({pack(root, *names).fingerprint for names in (("eel", "cat"), ("cat", "eel"), ())}) == 3


def test_a_table_takes_them_too_and_lacks_no_file_of_another_class(root: Path) -> None:
    rows = [f"{name}/{number}.png,{name}" for name in ("cat", "dog", "eel") for number in range(10)]
    gone = [f"fox/{number}.png,fox" for number in range(10)]
    (root / "labels.csv").write_text("\n".join(["path,label", *rows, *gone]))
    found = look(root, "dog", "cat")
    assert (found.class_names, found.skipped) == (("dog", "cat"), ())
    assert found.notes == ("not among data.classes, and not used: eel, fox",)
    assert look(root, "cat", "dog").counts["train"] == (8, 8)


def test_a_named_data_set_takes_them_too() -> None:
    found = look("digits", "7", "1")
    assert found.class_names == ("7", "1")
    assert sum(map(sum, found.counts.values())) == 179 + 182  # as scikit-learn describes them
    assert found.notes == ("not among data.classes, and not used: 0, 2, 3, 4, 5 and 3 more",)


def test_they_say_what_folders_are(tmp_path: Path) -> None:
    for name in ("train/steam", "train/diesel", "bus/red", "bus/blue"):
        write(tmp_path / "data" / name)
    with pytest.raises(DataError, match="a class: name all of them with data"):
        look(tmp_path / "data")
    assert look(tmp_path / "data", "train", "bus").class_names == ("train", "bus")


def test_splits_beside_a_folder_without_images_need_nothing_said(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog"):
        write(tmp_path / "data" / name)
    for name in ("logs", "models"):
        (tmp_path / "data" / name).mkdir()
        (tmp_path / "data" / name / "x.log").write_text("epoch 1")
    found = look(tmp_path / "data")
    assert (found.class_names, found.given_splits) == (("cat", "dog"), ())
    assert found.notes == ("the splits are train/; not used: logs/, models/",)


@pytest.mark.parametrize("name", ["logs", ".ipynb_checkpoints", "models"])
def test_a_folder_without_images_beside_classes_is_no_class(root: Path, name: str) -> None:
    (root / name).mkdir()
    (root / name / "x.log").write_text("epoch 1")
    assert pack(root).class_names == ("cat", "dog", "eel", "plots")
    assert pack(root).notes == (() if name.startswith(".") else (f"no images in {name}: not taken for a class",))


def test_what_is_ambiguous_is_refused_with_what_to_write(tmp_path: Path) -> None:
    for name in ("train/cat", "train/dog", "test/cat", "test/dog", "test/plots"):
        write(tmp_path / "data" / name)
    with pytest.raises(DataError) as caught:
        pack(tmp_path / "data")
    assert "class 'plots' has no images to train on; " in str(caught.value)
    assert str(caught.value).endswith('\n  data.classes: ["cat", "dog"] uses those alone')
    assert pack(tmp_path / "data", "cat", "dog").counts["test"] == (10, 10)


def test_a_class_of_damaged_images_alone_is_refused_with_what_to_write(tmp_path: Path) -> None:
    write(tmp_path / "data" / "cat", 100)
    write(tmp_path / "data" / "dog", 100)
    (tmp_path / "data" / "plots").mkdir()
    (tmp_path / "data" / "plots" / "x.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"'plots' has no readable image\n  repair it, or data.classes: \[\"cat\", \"d"):
        pack(tmp_path / "data")
    (tmp_path / "data" / "plots" / "x.png").unlink()
    (tmp_path / "data" / "plots" / "x.png").symlink_to("gone.png")
    with pytest.raises(DataError, match="class 'plots' has no images to train on"):
        pack(tmp_path / "data")


@pytest.mark.parametrize(
    ("classes", "law"),
    [
        (("cat", "dgo"), "has no class 'dgo'; did you mean dog?"),
        (("cat", "logs"), "class 'logs' has no images to train on"),
    ],
)
def test_a_class_that_is_not_there_is_refused(root: Path, classes: tuple[str, ...], law: str) -> None:
    (root / "logs").mkdir()
    with pytest.raises(DataError, match=law.replace("?", r"\?")):
        look(root, *classes)


@pytest.mark.parametrize("classes", [["cat"], ["cat", "cat"], [1, 7], "cat", []])
def test_what_the_key_cannot_be(classes: object) -> None:
    with pytest.raises(ValueError, match=r"must be a list of names|must name two classes or more"):
        DataConfig.model_validate({"classes": classes})


def test_it_is_kept_with_a_trial() -> None:
    config = DataConfig(classes=("b", "a"))
    assert DataConfig.model_validate_json(config.model_dump_json()) == config
