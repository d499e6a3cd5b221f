"""Registration beside a user's own MLflow, in one process: neither reaches into the other."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hpo.search.commands.evaluate.evaluate import evaluate
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.studies.tracking.mlflow.spool import SpoolWriter, spool_path
from hpo.studies.tracking.mlflow.stores import Stores, keep_stores, kept_stores

from ..notes import Notes
from .conftest import Book, Retrain

_OWN = ("TRACKING_URI", "REGISTRY_URI", "RUN_ID", "EXPERIMENT_ID", "EXPERIMENT_NAME", "ACTIVE_MODEL_ID")


@pytest.fixture
def tracked_book(book: Book, migrated: Path) -> Book:
    """A study with a winner, in a home whose MLflow file is ready."""
    shutil.copy(migrated, book.home.root / "mlflow.db")
    book.add(0.9, epochs=1, budget={"epochs": 1})
    return book


@pytest.fixture
def own_store(tmp_path: Path, migrated: Path) -> str:
    return f"sqlite:///{shutil.copy(migrated, tmp_path / 'own.db')}"


@pytest.fixture
def own_run(own_store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A notebook in the middle of its own work with MLflow: a run, an experiment and a model are active."""
    import mlflow
    from mlflow.tracking import fluent

    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(own_store)
    mlflow.set_registry_uri(own_store)
    mlflow.set_experiment("mine")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "mine")
    try:
        with mlflow.start_run() as run:
            mlflow.set_active_model(name="my-model")
            monkeypatch.setenv("MLFLOW_ACTIVE_MODEL_ID", "m-of-another-store")
            yield run
    finally:
        mlflow.clear_active_model()
        mlflow.set_registry_uri("")
        mlflow.set_tracking_uri(None)
        fluent._active_experiment_id = None
        for name in _OWN:
            os.environ.pop(f"MLFLOW_{name}", None)


def mlflow_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "MLFLOW" in name}


def champion(stores: Stores, name: str = "digits") -> Any:
    from mlflow import MlflowClient

    return MlflowClient(*stores).get_model_version_by_alias(name, "champion")


@pytest.mark.slow
def test_an_active_run_and_its_store_are_left_alone(
    tracked_book: Book, retrain: Retrain, own_run: Any, own_store: str
) -> None:
    import mlflow

    home = tracked_book.home
    keep_stores(home, "digits", Stores.at(home.tracking_uri))
    own = mlflow.MlflowClient()
    before, settings = own.get_run(own_run.info.run_id), mlflow_settings()
    result, notes = retrain(tracking_uri=None)
    assert (result.registered, result.registry) == ("models:/digits@champion", home.tracking_uri)
    assert champion(Stores.at(home.tracking_uri)).run_id != own_run.info.run_id
    assert [note for note in notes.notes if "MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI" in note]
    outcome = evaluate(EvaluateOptions("digits", home=home.root, device="cpu"), Notes())
    assert outcome.unrecorded == ()

    after = own.get_run(own_run.info.run_id)
    assert after.to_dictionary() == before.to_dictionary()
    assert own.list_artifacts(own_run.info.run_id) == []
    assert [each.name for each in own.search_experiments()] == ["mine", "Default"]
    assert own.search_registered_models() == []
    active = mlflow.active_run()
    assert active is not None
    assert active.info.run_id == own_run.info.run_id
    assert (mlflow.get_tracking_uri(), mlflow.get_registry_uri()) == (own_store, own_store)
    assert mlflow_settings() == settings


def test_a_new_study_follows_what_the_notebook_has_set(
    tracked_book: Book, retrain: Retrain, own_run: Any, own_store: str
) -> None:
    result, _ = retrain(tracking_uri=None)
    assert (result.registered, result.registry) == ("models:/digits@champion", own_store)
    version = champion(Stores.at(own_store))
    assert version.run_id != own_run.info.run_id
    assert kept_stores(tracked_book.home, "digits") == Stores.at(own_store)

    import mlflow

    assert mlflow.MlflowClient().get_run(version.run_id).data.metrics["test_accuracy"] > 0
    assert mlflow.active_run() is not None


def test_a_model_is_registered_where_the_environment_says(
    tracked_book: Book,
    retrain: Retrain,
    own_store: str,
    tmp_path: Path,
    migrated: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As a child of `mlflow run` has it: an address, a run that is none of ours, and a registry of its own."""
    registry = f"sqlite:///{shutil.copy(migrated, tmp_path / 'registry.db')}"
    for name, value in {"TRACKING_URI": own_store, "REGISTRY_URI": registry, "RUN_ID": "0" * 32}.items():
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    result, notes = retrain(tracking_uri=None)
    assert (result.registered, result.registry) == ("models:/digits@champion", registry)
    told = f"MLflow: {own_store}, models at {registry} (MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI)"
    assert told in notes.notes
    version = champion(Stores(own_store, registry))

    from mlflow import MlflowClient

    assert MlflowClient(own_store, own_store).get_run(version.run_id).data.metrics["test_accuracy"] > 0
    home = tracked_book.home.tracking_uri
    assert MlflowClient(home, home).search_registered_models() == []


def test_what_the_search_has_left_is_sent_before_its_winner(tracked_book: Book, retrain: Retrain) -> None:
    from mlflow import MlflowClient

    home = tracked_book.home
    keep_stores(home, "digits", Stores.at(home.tracking_uri))
    SpoolWriter(spool_path(home, "digits", None)).append("study", {"uid": "u", "state": "RUNNING"})
    SpoolWriter(spool_path(home, "digits", 0)).append("start", {"state": "RUNNING"})
    retrain(tracking_uri=None)
    client = MlflowClient(home.tracking_uri, home.tracking_uri)
    experiment = client.get_experiment_by_name("digits")
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert sorted(runs) == ["champion", "digits", "trial-0000"]
    assert runs["champion"].data.tags["mlflow.parentRunId"] == runs["digits"].info.run_id
