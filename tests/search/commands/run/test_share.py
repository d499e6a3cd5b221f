"""A search joins the place where its study shares files, and begins without it only if its user says so."""

from pathlib import Path

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.commands.run.share import share_files, share_study
from hpo.studies.home import Home
from hpo.studies.shared_files.location import open_location
from hpo.studies.shared_files.study_files import noted_files
from hpo.studies.store.storage import open_storage
from optuna.storages import RDBStorage


@pytest.fixture
def storage(tmp_path: Path) -> RDBStorage:
    storage = open_storage(f"sqlite:///{tmp_path}/studies.db")
    optuna.create_study(storage=storage, study_name="s")
    return storage


def test_a_coordinator_that_says_nothing_does_not_begin_beside_one_that_shares(
    storage: RDBStorage, tmp_path: Path
) -> None:
    assert share_study(storage, "s", None, None) is None
    assert share_study(storage, "s", open_location(str(tmp_path / "shared")), str(tmp_path / "shared")) is not None
    with pytest.raises(StudyError, match="--checkpoint-dir none without"):
        share_study(storage, "s", None, None)
    assert share_study(storage, "s", None, "none") is None


def test_the_files_of_a_run_and_its_models_are_shared(storage: RDBStorage, tmp_path: Path) -> None:
    home, digest = Home(tmp_path / "runs"), "ab" * 32
    for name in ("space.yaml", "study.json", f"models/{digest}/net.py", f"models/{digest}/__pycache__/net.pyc"):
        home.study("s", name).parent.mkdir(parents=True, exist_ok=True)
        home.study("s", name).write_text(name)
    files = share_study(storage, "s", open_location(str(tmp_path / "shared")), None)
    assert files is not None
    share_files(files, storage, home, {"net.py:Net": digest})
    noted = noted_files(storage, "s")
    assert noted is not None
    assert noted.files.keys() == {"space.yaml", "study.json", f"models/{digest}/net.py"}
