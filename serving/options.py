"""The options of a server, checked once."""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..common.decode import FORMATS
from ..errors import ServeError, nearest

LOOPBACK, PORT = "127.0.0.1", 8000
WEB_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
# sixteen characters of base64 are 96 bits, which nobody guesses over a network
TOKEN_LENGTH = 16  # characters, at least


class Source(Protocol):
    """A source of an arm's exports.

    Pickled into every worker process.
    """

    def locate(self) -> Path:
        """Return the folder to serve now.

        May block, so it is called on a thread of its own.

        Raises:
            HpoError: it cannot be told at present.
        """
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """An export folder, watched in place.

    `hpo retrain-best` replaces it as a whole.
    """

    path: Path

    def locate(self) -> Path:
        """Return the folder itself."""
        return self.path


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options of a server: models, address and limits.

    `share` of the requests, in (0, 1), go to the challenger; `shadow` asks it about every image and answers with the
    champion. `max_batch` and `queue` count images, `timeout_s` is one request's, `poll_s` how often a new version is
    looked for, `threads` what ONNX Runtime may use per process, `max_model_mb` the memory that a model may take.
    """

    champion: Source
    challenger: Source | None = None
    share: float | None = None
    shadow: bool = False
    host: str = LOOPBACK
    port: int = PORT
    workers: int = 1
    threads: int = 1
    token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    max_batch: int = 32
    queue: int = 64
    max_body_mb: int = 32
    max_model_mb: int = 4096
    timeout_s: float = 30.0
    poll_s: float = 1.0
    formats: tuple[str, ...] = WEB_FORMATS

    def __post_init__(self) -> None:
        _at_least_one(workers=self.workers, threads=self.threads, max_batch=self.max_batch, queue=self.queue)
        _at_least_one(max_body_mb=self.max_body_mb, max_model_mb=self.max_model_mb)
        if self.timeout_s <= 0 or self.poll_s <= 0:
            raise UsageError("timeouts must be above 0 s")
        if not 0 <= self.port <= 65535:
            raise UsageError(f"--port must be 0 (any) to 65535, got {self.port}")
        if not is_loopback(self.host) and self.token is None:
            raise UsageError(f"--host {self.host} can be reached by others: give --token-file, or serve {LOOPBACK}")
        self._check_arms()
        for kind in self.formats:
            if kind not in FORMATS:
                raise UsageError(f"--formats: no image format {kind}; {nearest(kind, FORMATS)}")

    def _check_arms(self) -> None:
        if self.challenger is None and (self.share is not None or self.shadow):
            raise UsageError("--share and --shadow need a --challenger")
        if self.challenger is not None and (self.share is None) == (not self.shadow):
            raise UsageError("a --challenger needs either --share or --shadow")
        if self.share is not None and not 0 < self.share < 1:
            raise UsageError(f"--share must be above 0 and below 1, got {self.share}")


class UsageError(ServeError):
    """A request for a server that cannot be."""

    exit_code = 2


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def read_token(path: Path) -> str:
    """Read the token in the file at `path`.

    Without the line's end.

    Raises:
        ServeError: it cannot be read, or is too short to be a secret.
    """
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--token-file {path}: cannot be read as a line of ASCII: {error}") from error
    if len(token) < TOKEN_LENGTH or any(character.isspace() for character in token):
        raise UsageError(f"--token-file {path}: must hold one word of at least {TOKEN_LENGTH} characters")
    return token


def _at_least_one(**numbers: int) -> None:
    for name, number in numbers.items():
        if number < 1:
            raise UsageError(f"--{name.replace('_', '-')} must be at least 1, got {number}")
