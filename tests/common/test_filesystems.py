"""SQLite files on a file system of a network: a store is refused with a way out, a log does without its fast mode."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hpo.common import filesystems
from hpo.common.filesystems import file_system
from hpo.errors import StudyError
from hpo.serving.monitor.schema import open_log
from hpo.studies.store.storage import open_storage

MOUNTS = r"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
31 22 0:40 / /net rw - nfs4 server:/export rw
32 22 0:41 / /net/scratch rw - xfs /dev/sdb rw
33 22 0:42 / /mnt/my\040drive rw - fuse.sshfs me@host: rw
34 22 0:43 / /over rw - ext4 /dev/sdc rw
35 34 0:44 / /over rw - lustre mds:/fs rw
36 22 0:45 / /local rw - fuse.mergerfs a:b rw
""".strip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/me", "ext4"),
        ("/net/home", "nfs4"),
        ("/network", "ext4"),
        ("/net/scratch/a", "xfs"),
        ("/mnt/my drive/a", "fuse.sshfs"),
        ("/over/a", "lustre"),
        ("/local", "fuse.mergerfs"),
    ],
)
def test_the_nearest_mount_says_what_a_folder_is_on(folder: str, kind: str) -> None:
    assert file_system(Path(folder), MOUNTS) == kind


@pytest.fixture(params=["nfs4", "fuse.s3fs", "fuse.mergerfs"])
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Everything is on this kind of file system."""
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 254:0 / / rw - {request.param} /dev/vda rw\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    return str(request.param)


LOCAL = "fuse.mergerfs"


def test_a_store_on_a_network_is_refused(tmp_path: Path, kind: str) -> None:
    url = f"sqlite:///{tmp_path}/studies.db"
    if kind == LOCAL:
        open_storage(url)
        return
    with pytest.raises(StudyError, match=f"is on {kind}") as error:
        open_storage(url)
    assert "--storage postgresql://" in str(error.value)
    assert len(str(error.value).splitlines()) == 3
    assert not (tmp_path / "studies.db").exists()


def test_a_log_of_predictions_on_a_network_has_no_write_ahead_log(tmp_path: Path, kind: str) -> None:
    """That one is shared through the memory of one machine."""
    open_log(f"sqlite:///{tmp_path}/predictions.db", create=True).dispose()
    with closing(sqlite3.connect(tmp_path / "predictions.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal" if kind == LOCAL else "delete",)
