"""MLflow's settings in this process: ours while a call runs, the user's before and after."""

import logging
import os
from threading import Barrier, Event, Thread

import pytest
from hpo.studies.tracking.mlflow.mlflow_scope import call_mlflow, mlflow_scope


def settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "MLFLOW" in name}


def test_what_is_set_for_a_call_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_ACTIVE_MODEL_ID", "m-mine")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    monkeypatch.delenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", raising=False)
    with mlflow_scope():  # MLflow itself sets the level of its loggers where it is first imported
        pass
    logging.getLogger("mlflow").setLevel(logging.INFO)
    before = settings()
    with mlflow_scope(request_timeout_s=10, retries=3), mlflow_scope(retries=5):
        assert os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] == "false"
        assert "MLFLOW_ACTIVE_MODEL_ID" not in os.environ
        assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7"  # the user's
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"
        assert logging.getLogger("mlflow").level == logging.CRITICAL
    assert settings() == before
    assert logging.getLogger("mlflow").level == logging.INFO


def test_threads_that_overlap_put_back_what_was_before_the_first() -> None:
    before, inside, go = settings(), Barrier(2), Event()

    def call() -> None:
        with mlflow_scope():
            inside.wait(10)
            go.wait(10)

    with mlflow_scope():
        thread = Thread(target=call)
        thread.start()
        inside.wait(10)
    assert settings() != before  # the other is still inside
    go.set()
    thread.join(10)
    assert settings() == before


def test_an_error_of_a_call_is_its_callers() -> None:
    before = settings()
    with pytest.raises(ZeroDivisionError):
        call_mlflow(lambda: 1 // 0)
    assert settings() == before
