"""The store that books share, on a disk and on a server; on others what differs there is tested alone."""

from pathlib import Path

import pytest

from .store import Store, file_store


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return file_store(tmp_path)
    return Store(request.getfixturevalue(request.param).emptied())
