"""Exports small enough to make in a moment, without torch: a linear model written as ONNX, and servers for them."""

import asyncio
import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hpo.serving.app import create_app
from hpo.serving.model import Answers, Images, Model
from hpo.serving.options import Folder, ServeOptions
from hpo.serving.prediction import Forgetful, Prediction
from hpo.serving.server import Server, address, bind, configuration
from hpo.serving.service import Service
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

CLASSES = ("dark", "medium", "bright")
HEAD = "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: {length}\r\n{more}\r\n"


def linear_onnx(seed: int, *, classes: int = 3, channels: int = 1, size: int = 8) -> bytes:
    """A model of the mean brightness: logits = brightness * slope + offset, a little noise of `seed` in the weights."""
    noise = np.random.default_rng(seed).normal(0, 1e-3, (channels * size * size, classes))
    slope = np.linspace(-4, 4, classes) / (channels * size * size * 255)
    weights = (slope[None] + noise / 255).astype(np.float32)
    ends = np.abs(np.linspace(-1, 1, classes))  # less likely, so that each class has shades of its own
    offset = (np.linspace(2, -2, classes) - ends / 2).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["pixels"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "offset"], ["logits"]),
        ],
        "linear",
        [helper.make_tensor_value_info("images", TensorProto.UINT8, ["batch", channels, size, size])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(offset, "offset")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    return model.SerializeToString()


def write_export(folder: Path, version: str = "v1", seed: int = 0, **manifest: Any) -> Path:
    """An export folder; further arguments replace entries of its manifest."""
    content = linear_onnx(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tree = {
        "study": "shades",
        "trial": 3,
        "model_version": version,
        "class_names": CLASSES,
        "preprocessing": {"image_size": 8, "channels": 1},
        "files": {"model.onnx": {"sha256": hashlib.sha256(content).hexdigest()}},
    }
    (folder / "model.onnx").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(tree | manifest))
    return folder


def png(brightness: int, size: int = 8, kind: str = "PNG") -> bytes:
    """An image of one shade."""
    buffer = io.BytesIO()
    Image.new("L", (size, size), brightness).save(buffer, kind)
    return buffer.getvalue()


class Kept(Forgetful):
    """A log of predictions that keeps them."""

    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self.closed = False

    def record(self, prediction: Prediction) -> None:
        self.predictions.append(prediction)

    def close(self) -> None:
        self.closed = True


class Running:
    """A server on a thread, with its service and its log within reach."""

    def __init__(self, options: ServeOptions) -> None:
        self.log = Kept()
        self.service = Service(options, self.log)
        self.listener = bind(options)
        self.url = address(self.listener)
        self.server = Server(configuration(create_app(self.service), options), self.service)
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        asyncio.run(self.server.serve([self.listener]))

    def __enter__(self) -> "Running":
        self._thread.start()
        while not self.server.started and self._thread.is_alive():
            self._thread.join(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def client(self, **options: Any) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=30, **options)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export")


@pytest.fixture
def serving(export: Path) -> Callable[..., Running]:
    """A function that starts a server for the export on a free port; keyword arguments are ServeOptions'."""

    @contextmanager
    def start(**options: Any) -> Iterator[Running]:
        with Running(ServeOptions(**{"champion": Folder(export), "port": 0, "poll_s": 0.05, **options})) as running:
            yield running

    return start  # type: ignore[return-value]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Models answer only once this event is set."""
    event, answer = threading.Event(), Model.answer

    def wait(model: Model, images: Images) -> Answers:
        if threading.current_thread().name.startswith("model"):
            event.wait(20)
        return answer(model, images)

    monkeypatch.setattr(Model, "answer", wait)
    monkeypatch.setattr(Model, "quick", False)  # or it would answer on the event loop
    yield event
    event.set()


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


PNG = png(0)


class Client:
    """A raw connection, so that what is on the wire is seen."""

    def __init__(self, running: Running) -> None:
        self.socket = socket.create_connection(("127.0.0.1", running.listener.getsockname()[1]), 20)
        self._buffer = b""

    def send(self, path: str = "/predict", body: bytes = PNG, more: str = "", claimed: int | None = None) -> None:
        length = len(body) if claimed is None else claimed
        self.socket.sendall(HEAD.format(path=path, length=length, more=more).encode() + body)

    def answer(self) -> tuple[int, dict[str, str], Any]:
        """The next answer: status, headers, JSON."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more()
        first, *lines = self._buffer[:end].decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        whole = end + 4 + int(headers["content-length"])
        while len(self._buffer) < whole:
            self._more()
        body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
        return int(first.split()[1]), headers, json.loads(body)

    def _more(self) -> None:
        data = self.socket.recv(65536)
        assert data, "hung up"
        self._buffer += data

    def close(self) -> None:
        self.socket.close()


@pytest.fixture
def crowded(serving: Callable[..., Running], held: threading.Event) -> Iterator[tuple[Running, list[Client]]]:
    """A server with a queue of three, and the three who wait in it."""
    with serving(queue=3) as running:
        waiting = [Client(running) for _ in range(3)]
        for client in waiting:
            client.send()
        until(lambda: running.service.admission.unanswered == 3)
        yield running, waiting
        held.set()
        for client in waiting:
            client.close()
