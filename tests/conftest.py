"""What every room's tests share: the digits, packed once, a small configuration, and a home with an MLflow file."""

import gc
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two threads that wait for each other are slower here
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # what is compiled is kept: hundreds of processes import it
    sys.dont_write_bytecode = False
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="hpo-tests-")  # the record of whoever runs them is not touched

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; what tests start would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)

from hpo.studies.home import Home
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hpo.training.models.source import name_model

from .guard import Guard
from .servers import Server, mariadb, new_bucket, pgbouncer, postgresql, s3_environment, s3_server
from .warm.client import ADDRESS, COLD_CHILDREN, WARM_SUBPROCESS
from .warm.shortcuts import keep_migrations, quicken_exports
from .warm.start import warm_server

if TYPE_CHECKING:
    from .mlflow_servers import TeamServer

HPO = ("HPO_STORAGE", "HPO_CHECKPOINT_DIR")
MLFLOW = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID")
for name in (*HPO, *MLFLOW):
    os.environ.pop(name, None)  # of whoever runs the tests: nothing goes to their servers


SERVERS = {"postgres", "pooler", "maria", "s3_address", "team"}
"""Fixtures that start one."""


def pytest_configure(config: pytest.Config) -> None:
    """Have tests that are not marked slow measured; the workers of pytest-xdist share one server of warm commands."""
    config.pluginmanager.register(Guard())
    if config.getoption("numprocesses", None):
        server = ExitStack()
        server.enter_context(warm_server())
        config.add_cleanup(server.close)


@pytest.hookimpl(tryfirst=True)  # before tests are chosen by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start a server, by the fixtures that they use and by those that their parameters name."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        named = {value for value in parameters if isinstance(value, str)}
        if not SERVERS.isdisjoint({*getattr(item, "fixturenames", ()), *named}):
            item.add_marker("server")


@pytest.fixture(scope="module", autouse=True)
def short_collections() -> None:
    """Keep what was imported out of garbage collection: each training collects, at a second each among so many."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def state() -> Iterator[Path]:
    """Where the record of what may be run is while tests run."""
    folder = Path(os.environ["XDG_STATE_HOME"])
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session", autouse=True)
def quick_stores() -> None:
    """Stores are opened with the shortcut of warm commands."""
    keep_migrations()


@pytest.fixture(scope="session")
def warm() -> Iterator[Path]:
    """Commands start warm (tests/warm) while this lives; a folder with `hpo` for shells."""
    if address := os.environ.get(ADDRESS):
        yield Path(address).parent
        return
    with warm_server() as folder:
        yield folder


@pytest.fixture
def warm_children(warm: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What hpo starts by `start_python` in this process starts warm: workers, the preflight."""
    monkeypatch.setattr("hpo.common.children.subprocess", WARM_SUBPROCESS)


@pytest.fixture(scope="session")
def quick_exports() -> None:
    """Exports in this process take the shortcuts of warm commands."""
    quicken_exports()


@pytest.fixture
def cold_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """Warm commands are the parents of what they start."""
    monkeypatch.setenv(COLD_CHILDREN, "1")


@pytest.fixture(scope="session")
def digits_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits, packed."""
    return prepare(DataConfig(source="digits"), cache=tmp_path_factory.mktemp("cache")).path


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 100 digits to train on and 20 to validate: two batches of 64 with and without the latter."""
    data = DataConfig(source="digits", max_train=100, max_val=20)
    return prepare(data, cache=tmp_path_factory.mktemp("cache")).path


@pytest.fixture(scope="session")
def small_config() -> Callable[..., TrialConfig]:
    """A function that makes a small configuration on digits; keyword arguments replace whole sections.

    A file that its model names is named by the user.
    """

    def make(**sections: Any) -> TrialConfig:
        tree: dict[str, Any] = {
            "data": {"source": "digits", "batch_size": 128},
            "model": {"name": "simple_cnn", "width": 8},
            "optimizer": {"name": "adamw", "lr": 3e-3},
            "budget": {"epochs": 3},
        }
        config = TrialConfig.model_validate({**tree, **sections})
        name_model(config.model)
        return config

    return make


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server, which one user of the system runs for all tests of a process."""
    with tempfile.TemporaryDirectory(prefix="hpo-pg-") as folder, postgresql(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def pooler(postgres: Server) -> Iterator[Server]:
    """PgBouncer before the PostgreSQL server, pooling transactions."""
    with tempfile.TemporaryDirectory(prefix="hpo-pool-") as folder, pgbouncer(Path(folder), postgres) as server:
        yield server


@pytest.fixture(scope="session")
def maria() -> Iterator[Server]:
    """A MariaDB server, the same."""
    with tempfile.TemporaryDirectory(prefix="hpo-maria-") as folder, mariadb(Path(folder)) as server:
        yield server


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """The address of an S3 server, for all tests of a process."""
    with tempfile.TemporaryDirectory(prefix="hpo-s3-") as folder, s3_server(Path(folder)) as address:
        yield address


@pytest.fixture
def s3(s3_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket on it, which this process and those that it starts can write to."""
    for name, value in s3_environment(s3_address).items():
        monkeypatch.setenv(name, value)
    return new_bucket()


@pytest.fixture(params=["postgres", "maria"])
def server(request: pytest.FixtureRequest) -> Server:
    """Each kind of database server."""
    chosen: Server = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "runs")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh MLflow file, migrated once: that takes most of the time of a first use."""
    from hpo.studies.tracking.mlflow.mlflow_store import MlflowStore

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowStore(f"sqlite:///{path}", Home(path.parent))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all of it into the one file that tests copy
    return path


@pytest.fixture(scope="session")
def team(migrated: Path, warm: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator["TeamServer"]:
    """An MLflow server with users and a bucket, for all tests of a process."""
    from .mlflow_servers import bucket, team_server

    folder = tmp_path_factory.mktemp("team")
    shutil.copy(migrated, folder / "mlflow.db")
    with bucket() as files, team_server(folder, files) as server:
        yield server


@pytest.fixture
def tracked(home: Home, migrated: Path) -> Home:
    """A home whose MLflow file is ready."""
    home.root.mkdir()
    shutil.copy(migrated, home.root / "mlflow.db")
    return home
