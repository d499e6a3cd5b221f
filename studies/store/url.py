"""The URL of the store that a user gave, wherever it stands."""

import os
from pathlib import Path

from ...errors import StudyError

VARIABLE = "HPO_STORAGE"
_LONGEST = 4096  # characters; whatever else a file holds is not read


def given_url(storage: str | None) -> str | None:
    """The URL that the user gave: `storage`, the file that holds it after an @, or HPO_STORAGE; None for none.

    Raises:
        StudyError: the file cannot be read.
    """
    storage = storage or os.environ.get(VARIABLE) or None
    if storage is None or not storage.startswith("@"):
        return storage
    path = Path(storage[1:]).expanduser()
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(_LONGEST).strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise StudyError(f"--storage {storage}: the file with the URL cannot be read: {why}") from error
