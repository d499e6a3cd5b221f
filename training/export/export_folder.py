"""An export on disk: manifest, files, and whether it is trusted."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ...common import trust
from ...errors import TrustError
from .manifest import MANIFEST, ExportManifest, manifest_bytes


@dataclass(frozen=True, slots=True)
class ExportFolder:
    """The export in `path` with its manifest.

    `digest` is the SHA-256 of manifest.json. The manifest has the digest of every other file, so that the one digest
    stands for all of the export, wherever it is copied to.
    """

    path: Path
    manifest: ExportManifest
    digest: str

    @classmethod
    def open(cls, path: Path) -> Self:
        """Return the export in `path`.

        Raises:
            ExportError: there is none, or its manifest is not one of ours.
        """
        content = manifest_bytes(path)
        return cls(path, ExportManifest.parse(content, path / MANIFEST), hashlib.sha256(content).hexdigest())

    @property
    def is_on_record(self) -> bool:
        """Whether this account's hpo made or trusts it; else it is data."""
        return trust.is_on_record(self.digest)

    def require_on_record(self) -> None:
        """Refuse to load what may run code.

        Raises:
            TrustError: it is not on record.
        """
        if not self.is_on_record:
            raise TrustError(f"{self.path}: not made by this account's hpo, and loading its programs may run code")

    def put_on_record(self) -> None:
        """Record that this account's hpo has made the export.

        Raises:
            StudyError: the record cannot be written.
        """
        trust.put_on_record(self.digest, f"export {self.manifest.study} {self.manifest.model_version}")

    def allow(self) -> str:
        """Let this process load all of it; return what was allowed.

        A sentence, empty where it is on record.
        """
        if self.is_on_record:
            return ""
        trust.allow(self.digest)
        return f"{self.path}: not made by this account's hpo; its programs are loaded all the same (--trust)"

    def checked(self, name: str) -> Path:
        """Return the file `name` of the export, compared with the manifest.

        Raises:
            ExportError: it is not described, missing, or another.
        """
        self.manifest.check_file(self.path, name)
        return self.path / name
