"""Lookup of a space by path, local name or bundled name."""

from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ..errors import SpaceError, nearest
from .node import Location

# a bundled space has 2 KB; a file of more is some other file, given by mistake
MAX_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a space file, its name (the stem) and location."""

    name: str
    text: str
    location: Location


def bundled() -> tuple[str, ...]:
    """Return the names of the spaces that come with the package."""
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in _package().iterdir() if _is_space(entry.name)))


def find(source: str) -> Source:
    """Find the space file that `source` means.

    NAME or NAME.yaml in the working directory, else the bundled space of that name.

    Raises:
        SpaceError: there is none, or it is not a text file of at most 1 MiB.
    """
    try:
        for path in (Path(source), Path(f"{source}.yaml")):
            if path.is_file():
                return _read(path, str(path), path.stem, path.absolute().parent)
        name = source.removesuffix(".yaml")
        if name in bundled():
            return _read(_package() / f"{name}.yaml", f"{name}.yaml", name, Path.cwd())
        raise SpaceError(_missing(source))
    except (OSError, ValueError) as error:
        raise SpaceError(f"{source}: cannot be read: {error}") from None


def read_source(path: Path) -> Source:
    """Read a YAML file that is at `path`, and nowhere else.

    Raises:
        SpaceError: there is none, or it is not a text file of at most 1 MiB.
    """
    try:
        return _read(path, str(path), path.stem, path.absolute().parent)
    except OSError as error:
        raise SpaceError(f"{path}: cannot be read: {error.strerror}") from None


def _read(path: Path | Traversable, label: str, name: str, base: Path) -> Source:
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        raise SpaceError(f"{label}: must have at most 1 MiB, got more")
    try:
        # some editors begin a file with a byte order mark
        return Source(name, raw.decode("utf-8-sig"), Location(label, base))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SpaceError(f"{label}:{line}: must be UTF-8, got the byte 0x{raw[error.start]:02x}") from None


def _missing(source: str) -> str:
    path = Path(source)
    if path.is_dir():
        return f"{source}: a space must be a file, got a directory"
    if path.exists():
        return f"{source}: a space must be a regular file"
    folder = path.parent if path.parent.is_dir() else Path()
    names = [entry.name for entry in folder.iterdir() if _is_space(entry.name)]
    return f"{source}: no such space; {nearest(path.name, [*names, *bundled()])}"


def _is_space(name: str) -> bool:
    return name.endswith(".yaml") and not name.startswith(".")


def _package() -> Traversable:
    return resources.files(__package__ or "hpo.spaces")
