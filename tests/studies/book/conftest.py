"""The store that books share."""

from pathlib import Path

import pytest

from .store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)
