"""Serving one model over HTTP: ours against plain FastAPI with ONNX Runtime and against MLflow's own server.

Every server runs the same ONNX file on all cores, one at a time; the clients share them, keep their connections and
send one image as a file in a form (MLflow's takes it in JSON). The median of several runs in turn is compared. Then
ours on one core while versions are swapped, and while signals end it.

    python benchmarks/serving.py
"""

import argparse
import base64
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from harness import Figure, Target, arguments, figure, finish, free_port, ratio
from load import Reply, closed_loop, percentile_ms
from PIL import Image

SIZE = 32
CLIENTS = (1, 8, 64)
OURS, PLAIN, MLFLOW = "hpo serve", "FastAPI and ONNX Runtime", "mlflow models serve"
OURS_MANY, PLAIN_MANY = f"{OURS}, a worker per core", f"{PLAIN}, a worker per core"
START_S = 180
FORM = "multipart/form-data; boundary=b"
WIDTH = 16  # channels of the first layer: 0.1 ms per image


@dataclass(frozen=True)
class Measured:
    """One run of so many clients."""

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    failed: int


def make_export(folder: Path, width: int = WIDTH) -> None:
    """A convolutional network with random weights, and its manifest."""
    import torch
    from hpo.training.export.classifier import Classifier
    from hpo.training.export.onnx_file import write_onnx
    from hpo.training.export.program import capture
    from hpo.training.models.config import SimpleCnn
    from hpo.training.models.registry import build_model

    torch.manual_seed(0)
    config = SimpleCnn(width=width)
    model = build_model(config, num_classes=10, in_channels=3, image_size=SIZE)
    program = capture(
        Classifier(model, (0.5,) * 3, (0.25,) * 3), config, torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)
    )
    folder.mkdir()
    write_onnx(program, folder / "model.onnx", config, {})
    describe(folder, "v1")


def describe(folder: Path, version: str) -> None:
    """The manifest of the export in `folder`."""
    tree = {
        "study": "benchmark",
        "trial": 0,
        "model_version": version,
        "class_names": [f"class {number}" for number in range(10)],
        "preprocessing": {"image_size": SIZE, "channels": 3},
        "files": {"model.onnx": {"sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()}},
    }
    (folder / "manifest.json").write_text(json.dumps(tree))


def save_for_mlflow(export: Path, target: Path) -> None:
    """The model as `hpo retrain-best` gives it to MLflow."""
    import mlflow
    from hpo.serving.mlflow_model import CODE
    from hpo.studies.tracking.packed_model import Code, packed

    with packed(export, Code("serving.mlflow_model", CODE), [image()]) as model:
        mlflow.pyfunc.save_model(str(target), **model)


def png(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """[size, size, channels] as a file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def image() -> bytes:
    """The file that every client sends."""
    return png(np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8))


def multipart(file: bytes) -> bytes:
    """The body of a form of the type `FORM`."""
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return part + file + b"\r\n--b--\r\n"


def form(port: int) -> bytes:
    """A request with the image file in a form."""
    return request(port, "/predict", FORM, multipart(image()))


def in_json(port: int) -> bytes:
    """A request with the image file as base64 in JSON, which is all that MLflow's server takes."""
    body = json.dumps({"inputs": [base64.b64encode(image()).decode()]}).encode()
    return request(port, "/invocations", "application/json", body)


def request(port: int, path: str, kind: str, body: bytes) -> bytes:
    """An HTTP request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def command(side: str, folder: Path, port: int) -> list[str]:
    """What starts a server."""
    export, workers = str(folder / "export"), str(os.cpu_count()) if side in (OURS_MANY, PLAIN_MANY) else "1"
    if side in (OURS, OURS_MANY):
        return [sys.executable, "-m", "hpo.serving", export, "--port", str(port), "--workers", workers]
    if side in (PLAIN, PLAIN_MANY):
        return [sys.executable, str(Path(__file__).parent / "peer_server.py"), export, str(port), workers]
    served = ["models", "serve", "-m", str(folder / "mlflow"), "--env-manager", "local", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", *served, "--workers", "1"]


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """Within it this thread, and what it starts, runs on `cores`."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


@contextmanager
def running(side: str, folder: Path, cores: set[int], *flags: str) -> "Iterator[tuple[subprocess.Popen[bytes], int]]":
    """A server pinned to `cores`, and its port; `flags` are further ones of `hpo serve`."""
    port = free_port()
    # note: MLflow starts uvicorn by its name, wherever the environment is not activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    with pinned(cores):
        server = subprocess.Popen(
            [*command(side, folder, port), *flags],
            env={**os.environ, "PATH": path},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    try:
        wait_for(port, server)
        yield server, port
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    """Until it listens."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no server listens on port {port}")


def measure(port: int, server: "subprocess.Popen[bytes]", asked: bytes, clients: int, seconds: float) -> Measured:
    """A closed loop of `clients`."""
    before = cpu_seconds(server.pid)
    replies = closed_loop(port, asked, clients, seconds)
    cpu = cpu_seconds(server.pid) - before
    good = [reply for reply in replies if reply.status == 200]
    if not good:
        raise SystemExit(f"no request was answered: {replies[-1]}")
    return Measured(
        len(good) / seconds,
        percentile_ms(good, 50),
        percentile_ms(good, 99),
        cpu / len(good) * 1000,
        len(replies) - len(good),
    )


def cpu_seconds(pid: int) -> float:
    """Of a process and its children so far."""
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def answer_of(side: str, body: bytes) -> tuple[int, float]:
    """The class of an answer, and the confidence in it."""
    value = json.loads(body)
    if side not in (PLAIN, PLAIN_MANY):
        value = value["predictions"][0]
    return int(value["class"].split()[1]), value["confidence"]


def compare(folder: Path, options: argparse.Namespace) -> dict[str, dict[int, list[Measured]]]:
    """Every side under every number of clients, in turn; their answers must be the same."""
    found: dict[str, dict[int, list[Measured]]] = {side: {count: [] for count in CLIENTS} for side in options.sides}
    answers: dict[str, tuple[int, float]] = {}
    for _ in range(options.repeats):
        for side in options.sides:
            with running(side, folder, os.sched_getaffinity(0)) as (server, port):
                asked = in_json(port) if side == MLFLOW else form(port)
                answers[side] = answer_of(side, closed_loop(port, asked, 1, 1.0)[-1].body)
                for count in CLIENTS:
                    found[side][count].append(measure(port, server, asked, count, options.seconds))
                    print(f"{side}, {count} clients: {found[side][count][-1]}", flush=True)
    classes = {answer[0] for answer in answers.values()}
    confidences = [answer[1] for answer in answers.values()]
    if len(classes) > 1 or max(confidences) - min(confidences) > 1e-5:
        raise SystemExit(f"the servers disagree: {answers}")
    return found


def swaps(folder: Path, options: argparse.Namespace, server_cores: set[int]) -> dict[str, int]:
    """New versions put in place under load."""
    with running(OURS, folder, server_cores) as (_, port):
        stop = threading.Event()

        def replace() -> None:
            number = 0
            while not stop.wait(1.2):  # a version is looked for every second
                number += 1
                fresh = folder / "fresh"
                shutil.copytree(folder / "export", fresh)
                describe(fresh, f"swap {number}")
                (folder / "export").rename(folder / "old")
                fresh.rename(folder / "export")
                shutil.rmtree(folder / "old")

        thread = threading.Thread(target=replace)
        thread.start()
        replies = closed_loop(port, form(port), 8, options.swaps * 1.2)
        stop.set()
        thread.join()
    versions = {json.loads(reply.body)["model_version"] for reply in replies if reply.status == 200}
    return {"versions": len(versions), "requests": len(replies), "dropped": dropped(replies)}


def signals(folder: Path, options: argparse.Namespace, server_cores: set[int]) -> dict[str, int]:
    """Servers ended by SIGTERM under load."""
    requests = lost = 0
    for _ in range(options.signals):
        with running(OURS, folder, server_cores) as (server, port):
            threading.Timer(0.5, server.terminate).start()
            replies = closed_loop(port, form(port), 8, 20.0)
            requests, lost = requests + len(replies), lost + dropped(replies)
    return {"signals": options.signals, "requests": requests, "dropped": lost}


def dropped(replies: list[Reply]) -> int:
    """Requests that got another answer than theirs, or none."""
    return sum(reply.status != 200 for reply in replies)


def rows(found: Mapping[str, Mapping[int, list[Measured]]]) -> Iterator[dict[str, str]]:
    """The table."""
    for side, counts in found.items():
        for count, runs in counts.items():
            yield {
                "server": side,
                "load": f"{count} clients",
                "answered/s": of(runs, "per_second").text(),
                "p50 ms": of(runs, "p50_ms").text(1),
                "p99 ms": of(runs, "p99_ms").text(1),
                "CPU ms per request": of(runs, "cpu_ms").text(2),
            }


def of(runs: list[Measured], name: str) -> Figure:
    """One quantity over repeats."""
    return figure([getattr(run, name) for run in runs])


def targets(
    found: Mapping[str, Mapping[int, list[Measured]]],
    swapped: Mapping[str, int],
    ended: Mapping[str, int],
) -> Iterator[Target]:
    """What must be reached."""
    for ours, plain in ((OURS, PLAIN), (OURS_MANY, PLAIN), (OURS_MANY, PLAIN_MANY)):
        faster = ratio(*([run.per_second for run in found[side][64]] for side in (ours, plain)))
        yield Target(f"answered/s at 64 clients, {ours} by {plain}", faster.median, 2.0)
    yield Target(f"requests dropped in {swapped['versions'] - 1} swaps", swapped["dropped"], 0, at_most=True)
    yield Target(f"requests dropped in {ended['signals']} SIGTERMs", ended["dropped"], 0, at_most=True)


def main() -> None:
    parser = arguments("serving", __doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement (default 4)")
    parser.add_argument("--swaps", type=int, default=100, help="versions put in place (default 100)")
    parser.add_argument("--signals", type=int, default=100, help="servers ended (default 100)")
    options = parser.parse_args()
    options.sides = (PLAIN, OURS, PLAIN_MANY, OURS_MANY, MLFLOW)
    if options.quick:
        options.repeats, options.seconds, options.swaps, options.signals = 1, 0.5, 2, 1
        options.sides = (PLAIN, OURS, PLAIN_MANY, OURS_MANY)
    cores = sorted(os.sched_getaffinity(0))
    server_cores = set(cores[: max(1, len(cores) // 2)])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_export(folder / "export")
        if MLFLOW in options.sides:
            save_for_mlflow(folder / "export", folder / "mlflow")
        found = compare(folder, options)
        # the server that is swapped and ended has one core, and clients that nobody holds up
        os.sched_setaffinity(0, set(cores) - server_cores or server_cores)
        swapped = swaps(folder, options, server_cores)
        ended = signals(folder, options, server_cores)
        os.sched_setaffinity(0, cores)
    title = f"One {SIZE}x{SIZE} image per request, {options.repeats} runs of {options.seconds:g} s, medians (min-max)"
    measured = {"swaps": swapped, "signals": ended}
    finish(options, title, list(rows(found)), list(targets(found, swapped, ended)), measured)


if __name__ == "__main__":
    main()
