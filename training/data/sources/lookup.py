"""From a name in a table to the image file that it means."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

EXTENSIONS = (".jpg", ".png", ".jpeg", ".webp", ".JPG", ".PNG", ".JPEG", ".tif", ".bmp", ".gif")

_TRIED = 200  # names by which the folder of the images is found


def finder(folder: Path, names: Sequence[str]) -> Callable[[str], str | None]:
    """A function from one of `names` to the path of its file, None where there is none.

    Names are meant from `folder` or from the folder directly in it where more of them are files. The path is relative
    to `folder` where it lies below.
    """
    below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    tried = names[:: max(1, len(names) // _TRIED)]
    base = max((folder, *below), key=lambda place: sum(_file(place, name) is not None for name in tried))

    def find(name: str) -> str | None:
        path = _file(base, name) or _file(folder, name)
        relative = os.path.relpath(path, folder) if path else ""
        return str(path) if relative.startswith("..") else relative.replace(os.sep, "/") or None

    return find


def _file(place: Path, name: str) -> Path | None:
    """The file `name` from `place`, with an extension where it lacks one and slashes where Windows wrote it."""
    for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
        for extension in ("", *EXTENSIONS):
            path = place / f"{spelling}{extension}"
            if name and path.is_file():
                return path
    return None
