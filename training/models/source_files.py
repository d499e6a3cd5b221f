"""The files that a user's model file needs from its folder.

They are located, digested and copied; nothing here is run.
"""

import hashlib
import os
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...common.bounded import read_bytes

MAX_BYTES = 2**24
"""The longest Python file that is read, in bytes."""
_MAX_DATA_BYTES = 2**28  # weights, mostly, that a model reads from beside its file; larger ones are data


def needed_files(path: Path, content: bytes) -> dict[str, bytes]:
    """Return a model file and what it needs, by relative path.

    `path` holds `content` and comes first; paths are from its folder.

    Needed is what it and those in turn import, and files beside it that they mention by their whole name.

    Raises:
        OSError: one of them cannot be read.
    """
    files = reachable(path, content, imported)
    code = list(files.values())
    for entry in sorted(path.parent.iterdir()):
        mentioned = "." in entry.name and any(os.fsencode(entry.name) in text for text in code)
        if mentioned and entry not in files and entry.is_file() and entry.stat().st_size <= _MAX_DATA_BYTES:
            files[entry] = read_bytes(entry, _MAX_DATA_BYTES)
    return {str(file.relative_to(path.parent)): text for file, text in files.items()}


def digest_of(files: Mapping[str, bytes]) -> str:
    """Return the SHA-256 of `needed_files`, wherever they lie.

    Of a file that needs no other it is the file's own.
    """
    (_, content), *neighbours = files.items()
    digest = hashlib.sha256(content)
    for file, text in sorted(neighbours):
        digest.update(line_of(Path(file)) + hashlib.sha256(text).digest())
    return digest.hexdigest()


def write_whole(files: Mapping[str, bytes], folder: Path) -> None:
    """Write `needed_files` to the new folder `folder`: all of them, or none.

    Raises:
        OSError: they cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".", dir=folder.parent) as scratch:
        for file, content in files.items():
            target = Path(scratch, "copy", file)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        try:
            Path(scratch, "copy").rename(folder)
        except OSError:
            if not folder.exists():  # else another process was first
                raise


def line_of(path: Path) -> bytes:
    """Return a path as a line of what is digested."""
    return f"{path}\n".encode(errors="surrogateescape")


def words(text: bytes) -> set[bytes]:
    """Return every name that code could import, however it does."""
    return set(re.findall(rb"\w+", text))


def imported(text: bytes) -> set[bytes]:
    """Return the words of lines that import something."""
    return {word for line in text.splitlines() if b"import" in line for word in words(line)}


def reachable(path: Path, content: bytes, names: Callable[[bytes], set[bytes]]) -> dict[Path, bytes]:
    """Return `content` and what it may import from its folder.

    The modules among its `names`, and in those in turn.
    """
    beside: dict[bytes, list[Path]] = defaultdict(list)
    for entry in path.parent.iterdir():
        beside[entry.name.removesuffix(".py").encode(errors="surrogateescape")].append(entry)
    reached, unread, visited = {path: content}, [content], set[Path]()
    while unread:
        for word in sorted(names(unread.pop()) & beside.keys()):
            for file in (file for entry in beside.pop(word) for file in _python_files(entry, visited)):
                if file not in reached:
                    reached[file] = read_bytes(file, MAX_BYTES)
                    unread.append(reached[file])
    return reached


def _python_files(entry: Path, visited: set[Path]) -> Iterator[Path]:
    """Yield `entry` if it is a Python file, and those of a package.

    Folders of images are not walked.
    """
    if entry.suffix == ".py":
        yield entry
    elif entry.is_dir() and (real := entry.resolve()) not in visited:
        visited.add(real)
        inside = sorted(entry.iterdir())
        if any(path.suffix == ".py" for path in inside):
            yield from (file for path in inside for file in _python_files(path, visited))
