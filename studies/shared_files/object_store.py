"""What a store of shared files can do, and how its errors are told.

An object is written once, whole, and never over another one; nothing is renamed, and nothing but what is to be
removed is found by listing.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from ...common.masking import first_line, masked
from ...errors import StudyError


class ObjectStoreError(StudyError):
    """A store of shared files that does not do what it was asked for."""

    exit_code = 1


class KeyTakenError(ObjectStoreError):
    """An object that is there already."""


class ObjectStore(Protocol):
    """Objects by key, a relative path with slashes.

    `location` is where they are, without secrets. All methods may be called by several threads at once.

    Raises:
        ObjectStoreError: in every method, the store does not do it.
    """

    location: str

    def put(self, key: str, source: Path) -> None:
        """Write the file `source` as the object `key`, whole.

        Raises:
            KeyTakenError: there is one already, which stays as it is.
        """
        ...

    def open(self, key: str) -> AbstractContextManager[BinaryIO]:
        """Open an object for reading."""
        ...

    def remove(self, key: str) -> None:
        """Remove an object, where there is one."""
        ...

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin with the folder `prefix`; only for the removal of what nobody points to."""
        ...


@contextmanager
def told(location: str, what: str) -> Iterator[None]:
    """Tell whatever a store raises within the block as an error in words: `what` could not be done.

    Raises:
        ObjectStoreError: something was raised.
    """
    try:
        yield
    except ObjectStoreError:
        raise
    except Exception as error:  # of a dozen libraries, which share no class
        line = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise ObjectStoreError(f"{masked(location)}: {what}: {masked(line)}") from error
