"""A real process ended by a real signal while clients keep asking: whatever was taken in is answered."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from .conftest import png

BODY = png(255)
REQUEST = b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)


def start(export: Path, *arguments: str) -> "tuple[subprocess.Popen[str], int]":
    """A server process and its port."""
    process = begin(export, *arguments)
    return process, port_of(process)


def begin(export: Path, *arguments: str) -> "subprocess.Popen[str]":
    """A server process that does not serve yet."""
    command = [sys.executable, "-m", "hpo.serving", str(export), "--port", "0", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def port_of(process: "subprocess.Popen[str]") -> int:
    """Where it serves, once it does."""
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r":(\d+)/", line)
    assert found, line + process.stderr.read()
    return int(found[1])


async def client(port: int, answers: list[bytes], lost: list[str]) -> None:
    """Ask again and again on connections kept alive, until none can be made."""
    while True:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except (ConnectionRefusedError, ConnectionResetError):  # reset: it waited to be accepted when the server left
            return  # nothing was sent: nothing is lost
        try:
            closing = False
            while not closing:
                writer.write(REQUEST)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                assert length
                await reader.readexactly(int(length[1]))
                answers.append(head[9:12])
                closing = b"connection: close" in head
        except (OSError, asyncio.IncompleteReadError) as error:
            lost.append(repr(error))
        writer.close()


async def _load(port: int, process: "subprocess.Popen[str]", sent: signal.Signals) -> tuple[list[bytes], list[str]]:
    answers: list[bytes] = []
    lost: list[str] = []
    clients = [asyncio.create_task(client(port, answers, lost)) for _ in range(8)]
    while len(answers) < 50:
        await asyncio.sleep(0.01)
    process.send_signal(sent)
    await asyncio.wait_for(asyncio.gather(*clients), 60)
    return answers, lost


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_no_request_is_lost_when_a_signal_ends_the_server(
    sent: signal.Signals, code: int, workers: str, export: Path
) -> None:
    process, port = start(export, "--workers", workers)
    try:
        answers, lost = asyncio.run(_load(port, process, sent))
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert lost == []
    assert set(answers) == {b"200"}
    assert process.returncode == code


@pytest.mark.slow
def test_no_request_is_lost_to_a_worker_that_is_still_starting(export: Path) -> None:
    process = begin(export, "--workers", "2")
    try:
        while len(started := workers_of(process)) < 2:
            time.sleep(0.001)
        os.kill(started[1], signal.SIGSTOP)  # it holds the port open, and takes nobody in
        port = port_of(process)
        threading.Timer(3, os.kill, (started[1], signal.SIGCONT)).start()
        answers, lost = asyncio.run(_load(port, process, signal.SIGTERM))
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert lost == []
    assert set(answers) == {b"200"}
    assert process.returncode == 0


def workers_of(process: "subprocess.Popen[str]") -> list[int]:
    """The processes that serve, in the order of their start."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(child) for child in children if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()]


@pytest.mark.slow
def test_a_worker_that_dies_is_started_again(export: Path) -> None:
    process, port = start(export, "--workers", "2")
    assert process.stderr is not None
    try:
        time.sleep(11)  # a worker that dies younger than that is no accident
        os.kill(workers_of(process)[0], signal.SIGKILL)
        assert "started again" in process.stderr.readline()
        answers, _ = asyncio.run(_load(port, process, signal.SIGTERM))
        process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert b"200" in answers


def test_an_address_that_is_taken_is_told_in_a_line(export: Path) -> None:
    process, port = start(export)
    try:
        command = [sys.executable, "-m", "hpo.serving", str(export), "--port", str(port)]
        second = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        process.terminate()
        process.communicate(timeout=30)
    assert second.returncode == 1
    assert second.stderr == f"error: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_a_folder_that_is_no_export_is_told_in_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hpo.serving", str(tmp_path), "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "manifest.json: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr
