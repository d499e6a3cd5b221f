"""An SQLite file on a file system of a network is refused with a way out."""

from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies.store import filesystems
from hpo.studies.store.filesystems import file_system, refuse_remote
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


@pytest.mark.parametrize(("kind", "refused"), [("nfs4", True), ("fuse.s3fs", True), ("fuse.mergerfs", False)])
def test_a_store_on_a_network_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, refused: bool
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"22 1 254:0 / / rw - {kind} /dev/vda rw\n")
    monkeypatch.setattr(filesystems, "_MOUNTS", mounts)
    if not refused:
        refuse_remote(tmp_path / "studies.db")
        return
    with pytest.raises(StudyError, match=f"is on {kind}") as error:
        open_storage(f"sqlite:///{tmp_path}/studies.db")
    assert "--storage postgresql://" in str(error.value)
    assert len(str(error.value).splitlines()) == 3
    assert not (tmp_path / "studies.db").exists()
