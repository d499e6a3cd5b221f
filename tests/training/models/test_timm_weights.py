"""Published weights of timm from a hub: one that answers, however slowly, and one that cannot be reached.

In processes of their own: the hub's library reads where the hub and its cache are when it is imported.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

timm = pytest.importorskip("timm")

ARCH, REPOSITORY = "test_resnet", "timm/test_resnet.r160_in1k"
SCRIPT = f"""
import time
import timm
from hpo.errors import TrainingError
from hpo.training.models.timm import weights
for _ in range(2):
    start = time.monotonic()
    try:
        print(sorted(weights({ARCH!r}, True, num_classes=10, in_channels=3, image_size=32))[:1])
    except TrainingError as error:
        print(f"{{type(error).__name__}} after {{time.monotonic() - start:.0f}} s: {{error}}")
"""


def fetch(folder: Path, **environment: str) -> str:
    """What SCRIPT says, with a cache of its own in `folder`."""
    settings = {**os.environ, "HF_HOME": str(folder), "HF_HUB_OFFLINE": "0", **environment}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def slow_hub() -> Iterator[tuple[str, list[str]]]:
    """The address of a hub with the weights of ARCH, which come in drops, and the requests it is sent."""
    from safetensors.torch import save

    content = save({name: value.contiguous() for name, value in timm.create_model(ARCH).state_dict().items()})
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(200 if self.path.startswith(f"/{REPOSITORY}/resolve/main/model.safe") else 404)
            for name, value in (("ETag", '"0123"'), ("X-Repo-Commit", "0" * 40), ("Content-Length", len(content))):
                self.send_header(name, str(value))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            for start in range(0, len(content), len(content) // 8):
                time.sleep(0.05)
                self.wfile.write(content[start : start + len(content) // 8])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()


@pytest.mark.slow
def test_slow_weights_are_waited_for_and_kept(slow_hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = slow_hub
    assert fetch(tmp_path, HF_ENDPOINT=address, no_proxy="127.0.0.1").splitlines() == ["['bn1.bias']"] * 2
    assert sum(request.startswith("GET") and request.endswith(".safetensors") for request in asked) == 1


@pytest.mark.slow
def test_a_hub_that_cannot_be_reached_is_given_up_at_once(tmp_path: Path) -> None:
    said = fetch(tmp_path, https_proxy="http://127.0.0.1:9", HTTPS_PROXY="http://127.0.0.1:9")
    law = (
        r"WeightsError after (\d+) s: model.pretrained: .* must be on this disk or reachable, got: .*Connection refused"
    )
    waits = [int(seconds) for seconds in re.findall(law, said)]
    assert len(waits) == 2
    assert max(waits) < 20  # of itself the library asks for a minute
