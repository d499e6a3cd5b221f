"""MLflow's process-wide settings, set for our calls and restored after them.

A search may run in a notebook whose user has MLflow open: no run, model, experiment or address of theirs may reach our
calls, and none of our settings may stay. Addresses are given to every client outright. What cannot be given to a client
is set here while a call runs: timeouts, and the silence.
"""

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TypeVar

T = TypeVar("T")

_OURS = {
    # a call that has returned must have arrived: the spool's cursor moves then
    "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
    # else the user's uv.lock and pyproject.toml would go with the model, and their packages be its requirements
    "MLFLOW_UV_AUTO_DETECT": "false",
}
_UNLESS_SET = {  # a search prints its own lines, and sends nothing about itself
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_HIDDEN = ("MLFLOW_ACTIVE_MODEL_ID", "_MLFLOW_ACTIVE_MODEL_ID")  # our metrics would be noted as that model's

_lock = threading.Lock()
_depth = 0
_put_back = ExitStack()


@contextmanager
def mlflow_scope(request_timeout_s: int = 10, retries: int = 0) -> Iterator[None]:
    """Import MLflow; keep it quiet and quick to fail in this context.

    The import takes 1 to 3 s. No telemetry, no log lines, no warnings, no long waits; timeouts that the user has set
    stay. The retrying is done by the shipper, since MLflow's own would hold its thread for minutes, and may create a
    run twice. Several threads may be inside at once: the first in sets, the last out restores.
    """
    global _depth
    with _lock:
        if _depth == 0:
            _enter(request_timeout_s, retries)
        _depth += 1
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if _depth == 0:
                _put_back.close()


def call_mlflow(call: Callable[[], T], request_timeout_s: int = 10, retries: int = 0) -> T:
    """Return the result of `call`, made in `mlflow_scope` and a new thread.

    What a user has made active with MLflow (a run, a model, a trace) is active in their thread alone.
    """
    with mlflow_scope(request_timeout_s, retries), ThreadPoolExecutor(1, "mlflow") as thread:
        return thread.submit(call).result()


def _enter(request_timeout_s: int, retries: int) -> None:
    limits = {"MLFLOW_HTTP_REQUEST_TIMEOUT": str(request_timeout_s), "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries)}
    defaults = {name: value for name, value in (_UNLESS_SET | limits).items() if name not in os.environ}
    values: dict[str, str | None] = {**_OURS, **defaults, **dict.fromkeys(_HIDDEN)}
    _put_back.callback(_set_environment, {name: os.environ.get(name) for name in values})
    _set_environment(values)
    # note: stays. Filters cannot be taken back while other threads run, and these are for MLflow's developers
    warnings.filterwarnings("ignore", module=r"mlflow\b")
    import mlflow  # noqa: F401

    for name in ("mlflow", "alembic"):  # after the import, which sets its own levels
        logger = logging.getLogger(name)
        _put_back.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
