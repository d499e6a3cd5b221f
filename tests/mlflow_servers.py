"""An MLflow server with users of its own, which keeps files in a bucket of S3's protocol."""

import os
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from .servers import free_port
from .warm.client import Command

USER, SECRET = "admin", "s3cret-passw0rd"
BUCKET = "hpo"
KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}


_SERVE = """
import sys, uvicorn
from mlflow.server.auth import create_app
uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
"""


class Bucket:
    """A bucket that takes any key; `variables` are those of whoever may use it."""

    def __init__(self, port: int) -> None:
        self.variables = {**KEYS, "MLFLOW_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        self._client = boto3.client(
            "s3",
            endpoint_url=self.variables["MLFLOW_S3_ENDPOINT_URL"],
            region_name=KEYS["AWS_DEFAULT_REGION"],
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        self._client.create_bucket(Bucket=BUCKET)

    def files(self, folder: str) -> list[str]:
        """The names of all files below `folder`."""
        listed = self._client.list_objects_v2(Bucket=BUCKET, Prefix=folder)
        return sorted(each["Key"].rpartition("/")[2] for each in listed.get("Contents", ()))

    def close(self) -> None:
        self._client.close()


class TeamServer:
    """The process that `mlflow server --app-name basic-auth` leads to, on a file of MLflow's in `folder`.

    Files go through it to the bucket.
    """

    def __init__(self, folder: Path, bucket: Bucket) -> None:
        self.folder, self.bucket, self.port = folder, bucket, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        (folder / "auth.ini").write_text(
            "[mlflow]\n"
            "default_permission = READ\n"
            f"database_uri = sqlite:///{folder}/auth.db\n"
            f"admin_username = {USER}\n"
            "auth_cache_ttl_seconds = 600\n"  # to check a password takes it a tenth of a second
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )

    def uri(self, password: str = SECRET) -> str:
        """Its address with user and password."""
        return f"http://{USER}:{password}@127.0.0.1:{self.port}"

    def begin(self) -> None:
        """Start it, and wait until it answers."""
        variables = {
            "_MLFLOW_SGI_NAME": "uvicorn",
            "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{self.folder}/mlflow.db",
            "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
            "_MLFLOW_SERVER_ARTIFACT_DESTINATION": f"s3://{BUCKET}/passed-on",
            "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            "MLFLOW_AUTH_CONFIG_PATH": f"{self.folder}/auth.ini",
            "MLFLOW_AUTH_ADMIN_PASSWORD": SECRET,
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "x",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        with (self.folder / "log").open("ab") as log:
            self._process = Command(
                ["-c", _SERVE, str(self.port)],
                env={**os.environ, **self.bucket.variables, **variables},
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(1200):
            with suppress(OSError), direct.open(f"{self.address}/health", timeout=5):
                return
            assert self._process.poll() is None, (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def end(self) -> None:
        """Stop it at once, as a machine that fails."""
        self._process.kill()
        self._process.wait()

    def runs(self, experiment: str) -> list[tuple[str, str]]:
        """Name and status of every run, by name."""
        return self._rows(
            "SELECT r.name, r.status FROM runs r JOIN experiments e USING (experiment_id) WHERE e.name = ? "
            "ORDER BY r.name",
            experiment,
        )

    def values(self, experiment: str) -> int:
        """How many rows of metrics there are."""
        query = (
            "SELECT count(*) FROM metrics m JOIN runs r USING (run_uuid) JOIN experiments e USING (experiment_id) "
            "WHERE e.name = ?"
        )
        ((count,),) = self._rows(query, experiment)
        return int(count)

    def files(self, experiment: str) -> list[str]:
        """The names of the files that went through it into the bucket."""
        ((number,),) = self._rows("SELECT experiment_id FROM experiments WHERE name = ?", experiment)
        return self.bucket.files(f"passed-on/{number}/")

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(f"file:{self.folder}/mlflow.db?mode=ro", uri=True)) as connection:
            return connection.execute(query, values).fetchall()


@contextmanager
def bucket() -> Iterator[Bucket]:
    """A server of S3's protocol in a thread of this process."""
    port = free_port()
    server = ThreadedMotoServer("127.0.0.1", port, verbose=False)
    server.start()
    made = Bucket(port)
    try:
        yield made
    finally:
        made.close()
        server.stop()


@contextmanager
def team_server(folder: Path, bucket: Bucket) -> Iterator[TeamServer]:
    """A running server, on the file `mlflow.db` that lies in `folder`."""
    server = TeamServer(folder, bucket)
    try:
        server.begin()
        yield server
    finally:
        server.end()
