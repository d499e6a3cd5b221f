"""Download of published weights: once, whole, one process at a time."""

import fcntl
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlparse

from torch import hub

from ...common.private import no_link
from ...errors import TrainingError

_SILENCE_S = 30.0  # a network that swallows packets would otherwise hold a search up for ever


class WeightsError(TrainingError):
    """Weights that are neither on this disk nor reachable."""


def fetch(url: str, what: str) -> Path:
    """Return the file of `url` in torch's cache, downloading it if needed.

    The cache is $TORCH_HOME; `what` names the weights in messages.

    Raises:
        WeightsError: it cannot be fetched, or is not what its name says.
    """
    path = Path(hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(path.with_name(f".{path.name}.lock")), impatient():
            if not path.exists():  # another process may have fetched it meanwhile
                hub.download_url_to_file(url, str(path), hash_prefix=_digest(path.name), progress=sys.stderr.isatty())
    except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong checksum a RuntimeError
        raise WeightsError(
            f"model.pretrained: the weights {what} must be on this disk or reachable, got: {error}\n"
            f"  fetch {url} elsewhere and put it at {path},\n"
            "  or set model.pretrained to a file of yours, or to false"
        ) from error
    return path


def _digest(name: str) -> str | None:
    """Return the beginning of the SHA-256 that a file's name promises.

    As in `resnet18-f37072fd.pth`.
    """
    match = hub.HASH_REGEX.search(name)
    return match[1] if match else None


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    with open(lock, "w", opener=no_link) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def impatient() -> Iterator[None]:
    """Limit the wait for a silent server to 30 s."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE_S)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
