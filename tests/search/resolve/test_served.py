"""What `hpo serve` is asked to serve; of the registry, a real one in a folder, the version under an alias."""

import logging
import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import StudyError
from hpo.search.resolve.served import Alias, source
from hpo.serving.mlflow_model import CODE
from hpo.serving.options import Folder, ServeOptions, UsageError
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow.model_registry import Registered, register_model
from hpo.studies.tracking.mlflow.packed_model import Code
from hpo.studies.tracking.mlflow.stores import Stores

from ...serving.conftest import Running, png, write_export

PNG = {"Content-Type": "image/png"}
Register = Callable[..., Registered]


@pytest.fixture
def register(tracked: Home) -> Register:
    """A function that registers a version of the model `shades` in a home; it becomes the champion."""

    def register(version: str, home: Home = tracked) -> Registered:
        export = write_export(home.root / "exports" / version, version)
        code = Code("serving.mlflow_model", CODE)
        return register_model(
            home,
            Stores.at(home.tracking_uri),
            "shades",
            export_dir=export,
            code=code,
            example=[png(0)],
            tags={},
            metrics={},
        )

    return register


@pytest.fixture
def registry(tracked: Home) -> Any:
    from mlflow import MlflowClient

    return MlflowClient(tracked.tracking_uri, tracked.tracking_uri)


@pytest.fixture
def alias(tracked: Home) -> Alias:
    return Alias(Stores.at(tracked.tracking_uri), "shades", "champion", tracked, pause_s=0.05)


def version_of(folder: Path) -> str:
    return (folder / "manifest.json").read_text().partition('"model_version": "')[2].partition('"')[0]


def test_a_name_of_the_registry_a_folder_and_a_study_are_told_apart(tracked: Home, tmp_path: Path) -> None:
    export = write_export(tracked.export("shades"))
    found = source("models:/my model@live", tracked.root, None)
    assert isinstance(found, Alias)
    assert (found.name, found.alias, found.stores) == ("my model", "live", Stores.at(tracked.tracking_uri))
    elsewhere = source("models:/shades@live", tracked.root, "http://127.0.0.1:9")
    assert isinstance(elsewhere, Alias)
    assert elsewhere.stores == Stores.at("http://127.0.0.1:9")
    assert source("shades", tracked.root, None) == source(None, tracked.root, None) == Folder(export)
    assert source(str(export), tracked.root, None) == Folder(export)
    for wrong in ("models:/shades", "models:/shades/3", "models:/@live", "shadows"):
        with pytest.raises(UsageError, match=wrong):
            source(wrong, tracked.root, None)


def test_the_version_under_the_alias_is_fetched_once(tracked: Home, register: Register, alias: Alias) -> None:
    register("v1")
    folder = alias.locate()
    assert version_of(folder) == "v1"
    assert {path.name for path in folder.iterdir()} == {"model.onnx", "manifest.json"}
    (folder / "mark").touch()
    another = pickle.loads(pickle.dumps(Alias(alias.stores, "shades", "champion", tracked)))  # as a worker gets it
    assert another.locate() == folder
    assert (folder / "mark").exists()
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_same_number_of_another_registry_is_another_version(
    tracked: Home, register: Register, migrated: Path, tmp_path: Path, alias: Alias
) -> None:
    other = Home(tmp_path / "other")
    other.root.mkdir()
    shutil.copy(migrated, other.root / "mlflow.db")
    assert register("v1").version == register("w1", other).version == 1
    elsewhere = Alias(Stores.at(other.tracking_uri), "shades", "champion", tracked)
    assert [version_of(each.locate()) for each in (alias, elsewhere)] == ["v1", "w1"]


def test_a_moved_alias_swaps_the_model_and_a_lost_one_keeps_it(
    register: Register, registry: Any, alias: Alias, caplog: pytest.LogCaptureFixture
) -> None:
    def version() -> str:
        answer = client.post("predict", content=png(0), headers=PNG)
        assert answer.status_code == 200
        return str(answer.json()["model_version"])

    def wait_for(wanted: str) -> None:
        end = time.monotonic() + 60
        while version() != wanted:
            assert time.monotonic() < end, wanted
            time.sleep(0.02)

    register("v1")
    with Running(ServeOptions(champion=alias, port=0, poll_s=0.05)) as running, running.client() as client:
        assert version() == "v1"
        register("v2")
        wait_for("v2")
        registry.set_registered_model_alias("shades", "champion", "1")
        wait_for("v1")

        with caplog.at_level(logging.ERROR, "hpo.serving"):
            registry.delete_registered_model_alias("shades", "champion")
            end = time.monotonic() + 60
            while not caplog.records:
                assert time.monotonic() < end
                assert version() == "v1"
            time.sleep(0.5)  # several more looks
        assert len(caplog.records) == 1
        assert "kept at shades-1-" in caplog.text
        assert "no export of shades@champion" in caplog.text
        assert version() == "v1"

        registry.set_registered_model_alias("shades", "champion", "2")
        wait_for("v2")


def test_an_alias_that_was_never_there_is_an_error(tracked: Home, register: Register, alias: Alias) -> None:
    register("v1")
    wrong = Alias(alias.stores, "shades", "live", tracked)
    with pytest.raises(StudyError, match="has no export of shades@live"):
        wrong.locate()
    with pytest.raises(StudyError, match="shades@live"):
        wrong.locate()


def test_asking_where_nothing_is_kept_makes_nothing(home: Home) -> None:
    with pytest.raises(StudyError, match="no such file"):
        Alias(Stores.at(home.tracking_uri), "shades", "champion", home).locate()
    assert not home.root.exists()
