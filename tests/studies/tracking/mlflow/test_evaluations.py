"""An evaluation in MLflow: on the run of the model, else on the study's, else refused in words."""

from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.tracking.mlflow.evaluations import log_evaluation


def test_it_is_on_the_newest_run_of_the_model_with_its_files(tracked: Home, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "page.html").write_text("<p>fine")
    client = MlflowClient(tracking_uri=tracked.tracking_uri)
    experiment = client.create_experiment("evaluated", artifact_location=(tmp_path / "artifacts").as_uri())
    runs = [client.create_run(experiment, time, {"model_version": "abc"}).info.run_id for time in (1, 2)]

    def log(study: str = "evaluated", version: str = "abc") -> str:
        return log_evaluation(
            tracked, tracked.tracking_uri, study, version=version, key="val", metrics={"val_ece": 0.25}, folder=folder
        )

    assert log() == runs[1]
    assert client.get_run(runs[1]).data.metrics == {"val_ece": 0.25}
    assert client.get_run(runs[0]).data.metrics == {}
    assert (tmp_path / "artifacts" / runs[1] / "artifacts" / "evaluation" / "val" / "page.html").exists()
    for unknown in ({"version": "other"}, {"study": "none"}):
        with pytest.raises(StudyError, match="knows neither this model nor the study"):
            log(**unknown)


def test_an_mlflow_that_is_away_is_an_error_in_words(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(StudyError, match=r"127\.0\.0\.1:9 did not take the evaluation"):
        log_evaluation(home, "http://127.0.0.1:9", "s", version="v", key="k", metrics={}, folder=tmp_path)
