"""Objects of a store as a study notes them: by key, size and digest."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...common.atomic import replacing
from ...common.bounded import WEIGHTS_BYTES, open_regular
from ...errors import StudyError
from .object_store import KeyTakenError, ObjectStore, ObjectStoreError, told

_CHUNK = 2**20
_KEY = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]*/)*[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


class TamperedError(ObjectStoreError):
    """An object that is not what the study says of it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An object: its key, its bytes and its SHA-256."""

    key: str
    bytes: int
    sha256: str

    @classmethod
    def of(cls, folder: str, file: Path, suffix: str = "") -> "Entry":
        """The object that `file` becomes in `folder`: called by its digest, so that equal names are equal files."""
        with open_regular(file, WEIGHTS_BYTES) as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            return cls(f"{folder}/{digest[:32]}{suffix}", content.tell(), digest)

    @classmethod
    def from_json(cls, value: Any) -> "Entry":
        """The entry in an attribute.

        Raises:
            StudyError: it is none, or its key leads elsewhere.
        """
        try:
            entry = cls(**value)
            if _KEY.fullmatch(entry.key) and _DIGEST.fullmatch(entry.sha256) and 0 <= entry.bytes <= WEIGHTS_BYTES:
                return entry
        except TypeError:
            pass
        raise StudyError("the study names a shared file in a form that hpo does not write")

    def to_json(self) -> dict[str, Any]:
        """The value of an attribute."""
        return asdict(self)

    def put(self, store: ObjectStore, file: Path) -> None:
        """Write `file` into `store`; it may be there already, since an attempt may have failed after it was written."""
        try:
            store.put(self.key, file)
        except KeyTakenError:
            return

    def fetch(self, store: ObjectStore, target: Path) -> None:
        """Write the object to `target`, once it is what it should be.

        Raises:
            TamperedError: it is another one.
            ObjectStoreError: it cannot be read, or `target` not written.
        """
        digest, left = hashlib.sha256(), self.bytes
        with told(str(target), "cannot be written"), store.open(self.key) as source, _replacing(target) as file:
            # one byte more than there should be, and never more
            while part := source.read(min(_CHUNK, left + 1)):
                digest.update(part)
                file.write(part)
                left -= len(part)
                if left < 0:
                    break
            if left or digest.hexdigest() != self.sha256:
                raise TamperedError(f"{store.location}: {self.key} is not the file that was put there; it is not used")


def _replacing(target: Path) -> Any:
    target.parent.mkdir(parents=True, exist_ok=True)
    return replacing(target)


def entries(value: Mapping[str, Any]) -> dict[str, Entry]:
    """Entries by name, as `Entry.from_json`."""
    return {str(name): Entry.from_json(each) for name, each in value.items()}
