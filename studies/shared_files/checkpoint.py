"""The checkpoint of a trial in the store of shared files, as the trial points to it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from ...common.atomic import UNFINISHED, rename
from ...errors import StudyError
from .entry import Entry, entries
from .object_store import ObjectStore, told

_NAME = re.compile(r"[a-z]+\.ckpt", re.ASCII)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The newest checkpoint of a trial.

    `generation` is that of the claim under which it was made, `epoch` how many epochs are done, `files` its objects by
    the names of the files in the trial's folder.
    """

    generation: int
    epoch: int
    files: Mapping[str, Entry]

    @classmethod
    def from_json(cls, value: Any) -> "Checkpoint | None":
        """The checkpoint in a trial's attribute; None where there is none, or another program wrote it."""
        try:
            files = entries(value["files"])
            if all(map(_NAME.fullmatch, files)):
                return cls(int(value["generation"]), int(value["epoch"]), files)
        except (TypeError, KeyError, ValueError, AttributeError, StudyError):
            pass
        return None

    def to_json(self) -> dict[str, Any]:
        """The value of a trial's attribute."""
        files = {name: entry.to_json() for name, entry in self.files.items()}
        return {"generation": self.generation, "epoch": self.epoch, "files": files}

    @property
    def keys(self) -> frozenset[str]:
        """The keys of its objects."""
        return frozenset(entry.key for entry in self.files.values())


@dataclass(frozen=True, slots=True)
class TrialStore:
    """The checkpoints of trial `number` below `prefix` in `store`; its methods may be called in a thread.

    Raises:
        ObjectStoreError: in every method, the store does not do it.
    """

    store: ObjectStore
    prefix: str
    number: int

    @property
    def _folder(self) -> str:
        return f"{self.prefix}/trials/{self.number}"

    def put(self, generation: int, epoch: int, files: Mapping[str, Path], former: Checkpoint | None) -> Checkpoint:
        """Write `files` by their names, but for those that `former`, the checkpoint until now, has already."""
        there = {entry.sha256: entry for entry in former.files.values()} if former else {}
        put = {}
        for name, file in files.items():
            entry = Entry.of(f"{self._folder}/{generation}", file, f"-{name}")
            if (same := there.get(entry.sha256)) is None:
                entry.put(self.store, file)
            put[name] = same or entry
        return Checkpoint(generation, epoch, put)

    def fetch(self, checkpoint: Checkpoint, directory: Path) -> None:
        """Write the files of a checkpoint into `directory`, once all of them are there.

        Raises:
            TamperedError: one is not what the trial says of it.
        """
        token = token_hex(4)
        fetched = {name: directory / f".{name}.{token}{UNFINISHED}" for name in checkpoint.files}
        try:
            for name, entry in checkpoint.files.items():
                entry.fetch(self.store, fetched[name])
            with told(str(directory), "cannot be written"):
                for name, file in fetched.items():
                    rename(file, directory / name)
        finally:
            for file in fetched.values():
                file.unlink(missing_ok=True)

    def remove(self, keys: Collection[str]) -> None:
        """Remove objects."""
        for key in keys:
            self.store.remove(key)

    def keep_only(self, keys: Collection[str]) -> None:
        """Remove all objects of the trial but `keys`: also what a coordinator that was killed has left."""
        self.remove([key for key in self.store.keys(self._folder) if key not in keys])
