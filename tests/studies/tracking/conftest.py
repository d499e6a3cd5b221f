"""Trackers that ship often."""

import pytest
from hpo.studies.tracking import mlflow_tracker


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses between shipments short enough for a test to see several."""
    monkeypatch.setattr(mlflow_tracker, "PAUSE_S", 0.05)
