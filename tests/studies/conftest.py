import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hpo.studies.home import Home

from .. import servers


class MlflowFile:
    """What MLflow holds, read from its file without its client, to compare with what was sent."""

    def __init__(self, home: Home) -> None:
        self._path = home.root / "mlflow.db"

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()

    def epoch_rows(self) -> "Counter[tuple[int, str, int, float]]":
        """(trial, metric, epoch, value) of every metric row of a trial; a row that is there twice counts twice."""
        return Counter(
            self.rows(
                "SELECT CAST(t.value AS INTEGER), m.key, m.step, m.value FROM metrics m "
                "JOIN tags t ON t.run_uuid = m.run_uuid AND t.key = 'trial' "
                "JOIN runs r ON r.run_uuid = m.run_uuid AND r.lifecycle_stage = 'active'"
            )
        )

    def run_states(self) -> dict[str, str]:
        """Status by name of every run that is not deleted; fails where a name is there twice."""
        found = self.rows("SELECT name, status FROM runs WHERE lifecycle_stage = 'active'")
        assert len(dict(found)) == len(found), found
        return dict(found)

    def tags(self, run_name: str) -> dict[str, str]:
        return dict(self.rows("SELECT t.key, t.value FROM tags t JOIN runs USING (run_uuid) WHERE name = ?", run_name))

    def params(self, run_name: str) -> dict[str, str]:
        return dict(
            self.rows("SELECT p.key, p.value FROM params p JOIN runs USING (run_uuid) WHERE name = ?", run_name)
        )


@pytest.fixture
def in_mlflow(tracked: Home) -> MlflowFile:
    return MlflowFile(tracked)


@pytest.fixture
def free_port() -> int:
    return servers.free_port()


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        yield int(server.getsockname()[1])


@pytest.fixture
def mlflow_server(tracked: Home, warm_children: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A real MLflow server on the file of `tracked`, which asks clients for a token."""
    from hpo.studies.pages.ui import serve
    from hpo.studies.tracking.mlflow.stores import Stores

    with serve(tracked.storage_url, Stores.at(tracked.tracking_uri), tracked.artifacts, tracked.attachments) as (
        addresses,
        (_, server),
    ):
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", server.token)
        yield addresses.mlflow.partition("?")[0]
