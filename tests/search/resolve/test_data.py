"""`hpo data` takes the settings of a space file, and only those of data."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.resolve.data import choose_data, choose_labelled
from hpo.training.data.config import DataConfig


def test_settings_are_those_of_a_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "animals").mkdir()
    config = choose_data("animals", [r"data.group_pattern=(film\d+)", "data.val_fraction=0.2"], 48)
    assert (config.source, config.image_size, config.val_fraction) == (str(tmp_path / "animals"), 48, 0.2)
    assert config.group_pattern == r"(film\d+)"
    assert choose_data("labels.csv").source == str(tmp_path / "labels.csv")
    assert choose_data("digits").source == "digits"
    assert choose_data("digits", ["data.split_file=split.csv"]).split_file == str(tmp_path / "split.csv")


@pytest.mark.parametrize(
    ("setting", "law"),
    [
        ("data.group_pattern=film", "must have a group in parentheses"),
        ("data.image_sise=3", "did you mean image_size?"),
        ("optimizer.lr=1", "unknown key"),
        ("data.val_fraction={low: 0.1, high: 0.2}", "val_fraction"),
    ],
)
def test_anything_else_is_refused(setting: str, law: str) -> None:
    with pytest.raises(SpaceError, match=law.replace("?", r"\?")):
        choose_data("digits", [setting])


def test_new_data_have_the_columns_of_the_old_unless_others_are_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("photo,kind\n")
    trained = DataConfig(source="old.csv", path_column="photo", label_column="kind", image_size=48)
    source = str(tmp_path / "labels.csv")
    assert choose_labelled(source, [], trained) == DataConfig(source=source, path_column="photo", label_column="kind")
    other = choose_labelled(source, ["data.label_column=species", "data.path_column=null"], trained)
    assert (other.path_column, other.label_column) == (None, "species")
    assert choose_labelled("digits", [], trained) == DataConfig(source="digits")
    assert choose_labelled("digits", ["data.classes=[a, b]"], trained).classes == ("a", "b")


def test_what_would_not_change_new_data_is_refused() -> None:
    with pytest.raises(
        SpaceError,
        match=r"data\.image_size has no effect(.|\n)*data\.label_column and data\.images",
    ):
        choose_labelled("digits", ["data.image_size=16"], DataConfig())
