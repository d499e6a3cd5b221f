"""The lock of a store excludes whoever shares the store, and nobody else."""

from pathlib import Path

import pytest
from hpo.studies.store.exclusive import exclusive
from hpo.studies.store.locks import held_if_free, lock_path
from hpo.studies.store.storage import open_storage


def is_locked(database: Path) -> bool:
    with held_if_free(lock_path(database)) as free:
        return not free


@pytest.mark.parametrize("url", ["sqlite:///{}/studies.db", "sqlite:///file:{}/studies.db?uri=true"])
def test_a_file_has_a_lock_beside_it_by_whichever_way_it_is_reached(tmp_path: Path, url: str) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    open_storage(f"sqlite:///{tmp_path}/real/studies.db")
    lock = exclusive(open_storage(url.format(tmp_path / "link")), "s")
    assert not is_locked(tmp_path / "real" / "studies.db")
    with lock.hold():
        assert is_locked(tmp_path / "real" / "studies.db")
    assert not is_locked(tmp_path / "real" / "studies.db")


def test_a_store_in_memory_has_a_lock_of_its_own() -> None:
    one, other = open_storage("sqlite://"), open_storage("sqlite://")
    with exclusive(one, "s").hold(), exclusive(other, "s").hold():
        pass


def test_a_lock_is_free_after_an_error(tmp_path: Path) -> None:
    lock = exclusive(open_storage(f"sqlite:///{tmp_path}/studies.db"), "s")
    with pytest.raises(ValueError, match="of the block"), lock.hold():
        raise ValueError("of the block")
    with lock.hold():
        pass
