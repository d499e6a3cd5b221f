"""Whole commands, as a user types them, in processes of their own: warm ones, or cold ones with `cold`."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..warm.client import Command
from ..warm.start import HPO

SMALL = ["--space", "simple_cnn", "--data", "digits", "--set", "model.width=8", "--set", "data.batch_size=64"]


@dataclass(frozen=True)
class Finished:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output, which must be one JSON object and nothing else."""
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    def refused(self) -> str:
        """The message of a command that the user got wrong: exit code 2, at most three lines, no traceback."""
        assert self.code == 2, (self.code, self.err)
        assert "Traceback" not in self.err
        lines = [line for line in self.err.splitlines() if line.strip()]
        message = lines[next(i for i, line in enumerate(lines) if line.startswith("error: ")) :]
        assert len(message) <= 3, self.err
        return "\n".join(message)


@dataclass(frozen=True)
class Shell:
    """A directory of one's own, and `hpo` in it; there is no network, whatever machine this is."""

    directory: Path
    cold: bool = False
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("HPO_", "MLFLOW_"))}
        nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        network = {**nowhere, "no_proxy": "127.0.0.1,localhost"}
        return {**kept, **network, "HPO_DATA_ROOT": str(self.directory / "no-data"), "COLUMNS": "200"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        process = (subprocess.Popen if self.cold else Command)(
            [HPO, *arguments], cwd=self.directory, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=_listen_to_ctrl_c,
        )  # fmt: skip
        self.started.append(process)
        return process

    def run(self, *arguments: str, timeout_s: float = 240) -> Finished:
        return finish(self.start(*arguments), timeout_s)

    def search(self, *arguments: str, trials: int = 3, epochs: int = 2, timeout_s: float = 240) -> Finished:
        return self.run(*self.search_command(*arguments, trials=trials, epochs=epochs), timeout_s=timeout_s)

    def search_command(self, *arguments: str, trials: int, epochs: int) -> list[str]:
        """A small search without MLflow and in one process, unless `arguments` say otherwise."""
        tracking = [] if "--tracking-uri" in arguments else ["--tracking-uri", "none"]
        place = [] if {"--workers", "--executor"} & {*arguments} else ["--executor", "inline"]
        return ["run", *SMALL, "--trials", str(trials), "--epochs", str(epochs), *tracking, *place, *arguments]


def _listen_to_ctrl_c() -> None:
    """Whatever started the tests: a shell's background jobs ignore SIGINT, and so does what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def finish(process: "subprocess.Popen[str]", timeout_s: float = 240) -> Finished:
    out, err = process.communicate(timeout=timeout_s)
    return Finished(process.returncode, out, err)


@pytest.fixture
def shell(tmp_path: Path, warm: Path) -> Iterator[Shell]:
    yield from _ended(Shell(tmp_path))


@pytest.fixture
def cold_shell(tmp_path: Path) -> Iterator[Shell]:
    yield from _ended(Shell(tmp_path, cold=True))


def _ended(shell: Shell) -> Iterator[Shell]:
    yield shell
    for process in shell.started:  # what a failed test left: the next ones count processes and open files
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def wait_until() -> Callable[..., None]:
    """Polls a condition until it holds; fails after a while."""
    import time

    def wait(condition: Callable[[], object], what: str, timeout_s: float = 120) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {timeout_s:.0f} s"
            time.sleep(0.05)

    return wait
