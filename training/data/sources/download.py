"""Download of the public data sets, through torchvision.

One error where it fails. torchvision is imported here and nowhere else in this folder: only a data set that is not on
disk pays for it.
"""

import contextlib
import io
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from ....errors import DataError

_TIMEOUT_S = 20.0  # torchvision sets none: a network that swallows packets would hang for ever


def download_into(root: Path, torchvision_name: str) -> str:
    """Download a data set into `root`; return why not, or "".

    In torchvision's layout; the reason is one line. Files arrive in a temporary folder and are moved into place when
    all are there: an interrupted download leaves nothing that looks like data. Neither stdout nor stderr is written to.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=root) as folder, _quiet_and_patient():
            import torchvision.datasets

            getattr(torchvision.datasets, torchvision_name)(folder, download=True)
            _move_into(Path(folder), root)
    except (OSError, RuntimeError, EOFError, ImportError) as error:  # URLError is an OSError
        cause = getattr(error, "reason", error)  # a URLError wraps what the network said
        words = getattr(cause, "strerror", None) or str(cause)
        return (words.strip().splitlines() or [type(cause).__name__])[-1]
    return ""


def missing(name: str, wanted: str, folders: Sequence[Path], reason: str) -> DataError:
    """Return the error for a data set neither on disk nor downloadable.

    What, where, and two ways out.
    """
    listed = ", ".join(str(folder) for folder in folders)
    return DataError(
        f"data: {name} is not on disk: looked for {wanted} in {listed}\n"
        f"  and it cannot be downloaded: {reason or 'the download holds something else'}\n"
        "  say where it is with --data-root DIR, or take other data: --data digits, --data FOLDER_OF_CLASS_FOLDERS"
    )


@contextlib.contextmanager
def _quiet_and_patient() -> Iterator[None]:
    # note: the time limit and the streams are the process's: nothing else may use the network meanwhile.
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_S)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        socket.setdefaulttimeout(before)


def _move_into(folder: Path, root: Path) -> None:
    links = [path for path in folder.rglob("*") if path.is_symlink()]
    if links:  # it was unpacked from an archive
        raise OSError(f"the archive holds a link, {links[0].relative_to(folder)}, as the published one does not")
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        target = root / file.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.replace(target)
