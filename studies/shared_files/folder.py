"""Shared files in a folder that several machines have mounted."""

import os
from pathlib import Path
from secrets import token_hex
from shutil import copyfileobj
from typing import BinaryIO

from ...common.atomic import UNFINISHED
from ...common.bounded import WEIGHTS_BYTES, open_regular
from .object_store import KeyTakenError, told


class Folder:
    """The files below `root`, see ObjectStore."""

    def __init__(self, root: Path) -> None:
        self._root, self.location = root, str(root)

    def put(self, key: str, source: Path) -> None:
        """Write the file `source` as the object `key`, whole."""
        target = self._root / key
        temporary = target.with_name(f".{target.name}.{token_hex(8)}{UNFINISHED}")
        with told(self.location, "cannot be written"):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with source.open("rb") as content, temporary.open("xb") as file:
                    copyfileobj(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(temporary, target)  # not a rename, which would take the place of another file
            except FileExistsError:
                raise KeyTakenError(f"{target} is there already") from None
            finally:
                temporary.unlink(missing_ok=True)

    def open(self, key: str) -> BinaryIO:
        """Open an object for reading."""
        with told(self.location, f"{key} cannot be read"):
            return open_regular(self._root / key, WEIGHTS_BYTES)

    def remove(self, key: str) -> None:
        """Remove an object, where there is one, and folders that are empty then."""
        path = self._root / key
        with told(self.location, f"{key} cannot be removed"):
            path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self._root:
                break
            try:
                folder.rmdir()
            except OSError:  # it holds others
                break

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin with the folder `prefix`."""
        with told(self.location, "cannot be read"):
            files = (path for path in (self._root / prefix).rglob("*") if path.is_file())
            return [path.relative_to(self._root).as_posix() for path in files]
