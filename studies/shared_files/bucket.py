"""Shared files in a bucket, or whatever else fsspec knows by the scheme of its URL."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ...common.installation import install_command
from ...common.masking import masked
from ...errors import StudyError
from .object_store import KeyTakenError, told

_OPTIONS = {
    # fsspec keeps listings, and answers from them what others have changed since
    "use_listings_cache": False,
    "skip_instance_cache": True,
}


class Bucket:
    """The objects below `url`, see ObjectStore.

    Raises:
        StudyError: the URL is none, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.location = masked(url)
        self._fs, self._root = _file_system(url)

    def put(self, key: str, source: Path) -> None:
        """Write the file `source` as the object `key`, whole."""
        with told(self.location, "cannot be written"):
            try:
                self._fs.put_file(str(source), self._path(key), mode="create")
            except OSError as error:
                if isinstance(error, FileExistsError) or "pre-condition" in str(error):
                    raise KeyTakenError(f"{self.location}: {key} is there already") from error
                raise

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open an object for reading."""
        return self._reading(key)

    @contextmanager
    def _reading(self, key: str) -> Iterator[BinaryIO]:
        with told(self.location, f"{key} cannot be read"), self._fs.open(self._path(key), "rb") as file:
            yield file

    def remove(self, key: str) -> None:
        """Remove an object, where there is one."""
        with told(self.location, f"{key} cannot be removed"), suppress(FileNotFoundError):
            self._fs.rm_file(self._path(key))

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin with the folder `prefix`."""
        with told(self.location, "cannot be read"):
            return [path.removeprefix(f"{self._root}/") for path in self._fs.find(self._path(prefix))]

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


def _file_system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path in it."""
    from fsspec.core import url_to_fs

    scheme = url.partition("://")[0]
    try:
        file_system, root = url_to_fs(url, **_OPTIONS)
    except ImportError as error:
        remedy = install_command("s3") if scheme in ("s3", "s3a") else str(error)
        raise StudyError(f"--checkpoint-dir {masked(url)}: the driver is not installed; {remedy}") from error
    except ValueError as error:
        raise StudyError(
            f"--checkpoint-dir {masked(url)}: {masked(str(error))}\n  give a folder or s3://BUCKET/PREFIX"
        ) from error
    return file_system, root.rstrip("/")
