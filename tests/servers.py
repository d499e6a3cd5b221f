"""Real database servers of this machine's own programs, each in a folder of its own, and a slow wire to them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hpo.studies.store.storage import open_storage
from optuna.storages._rdb.models import BaseModel
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

PASSWORD = "s3cr3t/@:?"  # with what a URL has to escape
S3_SECRET = "s3cr3t-of-aws"
_NUMBERS = count()


@dataclass
class Server:
    """A database server that can be stopped and started, and makes empty databases; `url` is that of its own."""

    url: str
    start: Sequence[str]
    folder: Path
    owner: str | None
    _shared: str = ""
    _process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return make_url(self.url).port or 0

    def begin(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.start, cwd=self.folder, **_as_user(self.owner), stdout=log, stderr=log
            )
        engine = create_engine(self.url, poolclass=NullPool)
        for _ in range(600):
            with suppress(OperationalError), engine.connect():
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text()[-2000:])

    def end(self) -> None:
        """Stop it at once, as a machine that fails."""
        assert self._process is not None
        # PostgreSQL has processes of its own, which SIGQUIT ends at once, too
        self._process.send_signal(signal.SIGQUIT if self.start[0].endswith("postgres") else signal.SIGKILL)
        self._process.wait()

    def emptied(self) -> str:
        """The URL of a database with Optuna's tables and no study; to make a new one takes a second."""
        self._shared = self._shared or self.database()
        engine = open_storage(self._shared).engine
        with engine.begin() as connection:
            for table in reversed(BaseModel.metadata.sorted_tables):
                if table.name != "version_info":
                    connection.execute(table.delete())
        engine.dispose()
        return self._shared

    def database(self) -> str:
        """The URL of a new and empty database."""
        name = f"hpo_{os.getpid()}_{next(_NUMBERS)}"
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)


@contextmanager
def postgresql(folder: Path) -> Iterator[Server]:
    """A PostgreSQL server."""
    programs = _programs("initdb", *sorted(Path("/usr/lib/postgresql").glob("*/bin")))
    owner = _owner(folder, "postgres")
    (folder / "password").write_text(PASSWORD)
    data, port = folder / "data", free_port()
    options = ("--auth=scram-sha-256", f"--pwfile={folder}/password", "--username=hpo", "--no-sync", "--encoding=UTF8")
    command = [programs / "initdb", "-D", data, *options, "--locale=C"]
    subprocess.run(command, **_as_user(owner), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    settings = ["fsync=off", "listen_addresses=127.0.0.1", f"port={port}", f"unix_socket_directories={folder}"]
    start = [str(programs / "postgres"), "-D", str(data), *(word for each in settings for word in ("-c", each))]
    url = make_url("postgresql+psycopg://").set(
        username="hpo", password=PASSWORD, host="127.0.0.1", port=port, database="postgres"
    )
    yield from _running(Server(url.render_as_string(hide_password=False), start, folder, owner))


@contextmanager
def pgbouncer(folder: Path, server: Server) -> Iterator[Server]:
    """A pooler before a PostgreSQL server: each transaction may get another connection."""
    program = _programs("pgbouncer", Path("/usr/sbin")) / "pgbouncer"
    owner, port = _owner(folder, "postgres"), free_port()
    settings = f"""
[databases]
* = host=127.0.0.1 port={server.port} user=hpo password='{PASSWORD}'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
"""
    (folder / "settings").write_text(settings)
    url = make_url(server.url).set(port=port).render_as_string(hide_password=False)
    yield from _running(Server(url, [str(program), str(folder / "settings")], folder, owner))


@contextmanager
def mariadb(folder: Path) -> Iterator[Server]:
    """A MariaDB server."""
    program, install = _programs("mariadbd", Path("/usr/sbin")) / "mariadbd", shutil.which("mariadb-install-db")
    if install is None or shutil.which("my_print_defaults") is None:
        pytest.skip("no MariaDB: mariadb-install-db and my_print_defaults are not here")
    owner, port = _owner(folder, "nobody"), free_port()
    data = f"--datadir={folder}/data"
    options = ("--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db")
    subprocess.run([install, *options], **_as_user(owner), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    settings = (f"--socket={folder}/socket", f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={folder}/pid")
    # in a folder that others share, each server that starts removes the temporary tables of those that run
    settings += ("--innodb-flush-log-at-trx-commit=0", f"--tmpdir={folder}")
    start = [str(program), "--no-defaults", data, *settings]
    yield from _running(Server(f"mariadb+pymysql://root@127.0.0.1:{port}/mysql", start, folder, owner))


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """An S3 server, moto's; its address."""
    if find_spec("moto") is None or find_spec("s3fs") is None:
        pytest.skip("no S3 server: moto and s3fs are not here")
    port = free_port()
    start = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(start, cwd=folder, stdout=log, stderr=log)
    try:
        for _ in range(600):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def s3_environment(address: str) -> dict[str, str]:
    """What a process needs to reach an S3 server."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": S3_SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    return {"AWS_ENDPOINT_URL": address, "no_proxy": "127.0.0.1,localhost", **keys}


def new_bucket() -> str:
    """The URL of a new bucket, and a prefix in it."""
    import s3fs

    name = f"hpo-{os.getpid()}-{next(_NUMBERS)}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return f"s3://{name}/searches"


class Wire:
    """A way to a port of this machine on which each word takes `delay_s`, until it is cut."""

    def __init__(self, port: int, delay_s: float = 0.0) -> None:
        self._target, self.delay_s = port, delay_s
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        self._open: list[socket.socket] = []
        self._is_cut = False
        threading.Thread(target=self._admit, daemon=True).start()

    def through(self, url: str) -> str:
        """The same URL by this wire."""
        return make_url(url).set(port=self.port).render_as_string(hide_password=False)

    def cut(self) -> None:
        """Close every connection, and refuse new ones."""
        self._is_cut = True
        for end in self._open:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def heal(self) -> None:
        self._is_cut = False

    def close(self) -> None:
        self._door.close()
        self.cut()

    def _admit(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._door.accept()
                if self._is_cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open += [near, far]
                for one, other in ((near, far), (far, near)):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with one:
            with suppress(OSError):
                while words := one.recv(65536):
                    time.sleep(self.delay_s)
                    other.sendall(words)
            with suppress(OSError):
                other.shutdown(socket.SHUT_RDWR)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _running(server: Server) -> Iterator[Server]:
    with ExitStack() as stack:
        server.begin()
        stack.callback(server.end)
        yield server


def _programs(name: str, *folders: Path) -> Path:
    """Where a server's programs are; Debian keeps them out of the PATH."""
    beside = [Path(program).parent] if (program := shutil.which(name)) else []
    for folder in (*beside, *folders):
        if (folder / name).exists():
            return folder
    pytest.skip(f"no {name} on this machine")


def _as_user(name: str | None) -> dict[str, Any]:
    """How subprocess starts a program as another user; only root may."""
    return {} if name is None else {"user": name, "extra_groups": []}


def _owner(folder: Path, name: str) -> str | None:
    """Who runs a server that refuses to be root's."""
    if os.geteuid() != 0:
        return None
    folder.chmod(0o755)
    shutil.chown(folder, name)
    return name
