"""A folder of class folders: `<root>/<class>/**/image`, or the same below train/, test/ and val/.

Everything below a class folder belongs to that class, however deep. Names that start with a dot are not looked at;
files beside the class folders and folders without files are not used, and noted.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....errors import DataError, nearest
from ..pack import Skipped
from .base import SPLITS, Found, Images, Progress, listed, shown, similar
from .files import FilePixels

_LITTER = {"thumbs.db", "desktop.ini"}

Stamp = tuple[int, ...]


@dataclass(slots=True)
class _Walk:
    """What a walk over the folder gathers, in order."""

    names: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    broken: list[Skipped] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)

    def notes(self) -> Iterator[str]:
        """What lies there and is not used, in sentences."""
        if self.empty:
            yield f"no files in {listed(self.empty)}: not taken for a class"
        if self.beside:
            yield f"not in a class folder, and not used: {listed(self.beside)}"


def folder(root: Path) -> Found:
    """The images below `root`, listed but not read.

    Raises:
        DataError: `root` does not exist or is no folder, holds no class folders or only one, gives a test split
            without a train split, or a class that is not in the train split.
    """
    if not root.is_dir():
        state = "is a file, not a folder" if root.exists() else "does not exist"
        near = [f"did you mean {root.parent / name}?" for name in similar(root.name, root.parent)]
        hint = near[0] if near else "give a folder that holds one folder of images per class"
        raise DataError(f"data: {root} {state}; {hint}")
    walk = _Walk()
    splits = _split_folders(root)
    for part, place in splits:
        for name in _visible_folders(place):
            _gather(walk, root, place / name, name, part)
    for place in sorted({root, *(place for _, place in splits)}):
        walk.beside += [(place / name).relative_to(root).as_posix() for name in _visible_files(place)]
    class_names = _class_names(root, walk)
    described = "\0".join(class_names) + "\1" + "\0".join(walk.parts)
    files = ((described, ()), *zip(walk.names, walk.stamps, strict=True))
    return Found(root.resolve().name, files, lambda progress: _images(root, walk, class_names, progress))


def _images(root: Path, walk: _Walk, class_names: tuple[str, ...], progress: Progress) -> Images:
    number = {name: position for position, name in enumerate(class_names)}
    labels = np.array([number[name] for name in walk.classes], dtype=np.int64)
    pixels = FilePixels(root, tuple(walk.names), progress)
    return Images(class_names, labels, np.array(walk.parts), pixels, tuple(walk.broken), tuple(walk.notes()))


def _split_folders(root: Path) -> list[tuple[str, Path]]:
    """(split, folder of class folders): the root itself unless all its folders are named after splits."""
    names = _visible_folders(root)
    if not names or not all(name.lower() in SPLITS for name in names):
        return [("train", root)]
    splits = [SPLITS[name.lower()] for name in names]
    if "train" not in splits or len(set(splits)) < len(splits):
        raise DataError(
            f"data: {root} must have train/, and test/ and val/ at most once each; it has {', '.join(names)}"
        )
    return sorted(zip(splits, (root / name for name in names), strict=True))


def _class_names(root: Path, walk: _Walk) -> tuple[str, ...]:
    trained = {name for name, part in zip(walk.classes, walk.parts, strict=True) if part == "train"}
    for name in sorted(set(walk.classes) - trained):
        raise DataError(f"data: {root}: class {name!r} has no images to train on; {nearest(name, trained)}")
    if len(trained) < 2:
        held = f"only {next(iter(trained))!r}" if trained else "no folder with files in it"
        raise DataError(
            f"data: {root} must hold at least two class folders, one per class; it has {held}{_deeper(root)}"
        )
    return tuple(sorted(trained))


def _deeper(root: Path) -> str:
    """A hint where the class folders lie one folder further down, as unpacked archives have them."""
    folders = [root / name for name in _visible_folders(root)]
    return f"\n  did you mean {folders[0]}?" if len(folders) == 1 and len(_visible_folders(folders[0])) > 1 else ""


def _gather(walk: _Walk, root: Path, place: Path, class_name: str, part: str) -> None:
    """Add the files of the class folder `place`."""
    before = len(walk.names) + len(walk.broken)
    for path, stamp in files_below(place, (_identity(root),)):
        name = path.relative_to(root).as_posix()
        if not stamp:
            walk.broken.append(Skipped(shown(name), "a link to nothing, or a file that cannot be looked at"))
            continue
        walk.names.append(name)
        walk.classes.append(class_name)
        walk.parts.append(part)
        walk.stamps.append(stamp)
    if len(walk.names) + len(walk.broken) == before:
        walk.empty.append(place.relative_to(root).as_posix())


def files_below(place: Path, above: tuple[Stamp, ...] = ()) -> Iterator[tuple[Path, Stamp]]:
    """Every visible regular file at any depth, in order of name, with its stamp, () where it cannot be looked at.

    Links are followed, except back into a folder that we are in.
    """
    identity = _identity(place)
    if identity in above:
        return
    with os.scandir(place) as entries:
        names = sorted(entry.name for entry in entries if _is_visible(entry.name))  # a million of them take 100 MB
    for name in names:
        path = place / name
        try:
            found = path.stat()
        except OSError:
            yield path, ()
            continue
        if stat.S_ISDIR(found.st_mode):
            yield from files_below(path, (*above, identity))
        elif stat.S_ISREG(found.st_mode):  # no sockets, and no pipes, which would never end
            yield path, (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


def _visible_folders(place: Path) -> list[str]:
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and entry.is_dir())


def _visible_files(place: Path) -> list[str]:
    with os.scandir(place) as entries:
        return sorted(entry.name for entry in entries if _is_visible(entry.name) and not entry.is_dir())


def _identity(place: Path) -> Stamp:
    here = place.stat()
    return here.st_dev, here.st_ino


def _is_visible(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _LITTER
