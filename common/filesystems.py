"""File systems of a network, on which an SQLite file is not shared safely.

The write-ahead log of SQLite is shared through the memory of one machine (sqlite.org/wal.html, section 2.2), and file
locks of one machine may mean nothing to another.
"""

import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_REMOTE = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs",
    "panfs", "smb3", "smbfs", "vboxsf", "virtiofs", "wekafs",
})  # fmt: skip
# what FUSE mounts is remote (sshfs, s3fs, gcsfuse, rclone, ...) but for these, which are on a disk of the machine
_LOCAL_FUSE = frozenset({"fuse.bindfs", "fuse.encfs", "fuse.fuse-overlayfs", "fuse.gocryptfs", "fuse.mergerfs"})


def remote_file_system(file: Path) -> str:
    """The kind of file system of a network that `file` is on; empty where it is on a disk, or nobody says."""
    if not _MOUNTS.exists():  # not on Linux
        return ""
    kind = file_system(file.parent.resolve(), _MOUNTS.read_text())
    return kind if kind in _REMOTE or (kind.startswith("fuse.") and kind not in _LOCAL_FUSE) else ""


def file_system(folder: Path, mounts: str) -> str:
    """The kind of file system that holds `folder`, an absolute path, by the text of a `mountinfo`; empty for none."""
    found, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), left.split()[4]))
        # of two mounts on one point, the later one hides the earlier
        if folder.is_relative_to(point) and len(point.parts) >= found:
            found, kind = len(point.parts), right.split()[0]
    return kind
