"""A folder of class folders as a source.

`<root>/<class>/**/image`, or the same below train/, test/ and val/ (layout.py).

Every image below a class folder belongs to that class, however deep. Names that start with a dot are not looked at.
Files that are no images (image_files.py), files beside the class folders, folders without images, those that
`data.classes` does not name, folders beside the splits and what programs left there (apart.py) are not used, and noted.
Two folders whose names are one in Unicode are one class.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ....errors import DataError
from ..pack import Skipped
from .apart import kept_apart
from .base import DataSource, Images, Progress, listed, shown, similar
from .classes import Wanted, refuse_unknown, refuse_untrained, unwanted_note
from .files import FilePixels
from .image_files import is_image, left_out_note
from .layout import Layout, layout
from .outside import outside
from .spelling import nfc, spelling_notes
from .walk import Stamp, files_below, folders_apart, identity_of, visible_files, visible_folders


@dataclass(slots=True)
class _Walk:
    """The images and notes of a walk over the folder `root`.

    Of the classes `wanted` alone, where they are named.
    """

    root: Path
    wanted: Wanted = None
    names: list[str] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    broken: list[Skipped] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)  # names of the class folders
    unwanted: list[str] = field(default_factory=list)  # names of those that `wanted` leaves out
    endings: Counter[str] = field(default_factory=Counter)  # of files that are no images
    apart: dict[str, str] = field(default_factory=dict)  # folder: what it is

    def keep_apart(self, folder: Path, kind: str) -> None:
        """Record a folder that holds no images to train on."""
        self.apart[folder.relative_to(self.root).as_posix()] = kind

    def notes(self) -> Iterator[str]:
        """Yield sentences on files not used and on names."""
        if self.empty:
            yield f"no images in {listed(self.empty)}: not taken for a class"
        yield from left_out_note(self.endings)
        yield from unwanted_note(map(nfc, self.unwanted), self.wanted)
        if self.beside:
            yield f"not in a class folder, and not used: {listed(self.beside)}"
        if self.apart:
            yield f"no data, and not used: {listed([f'{name} ({kind})' for name, kind in self.apart.items()])}"
        yield from spelling_notes(self.folders, "class")


def folder(root: Path, wanted: Wanted = None) -> DataSource:
    """Locate the images below `root`, of the classes `wanted` or of all.

    They are listed but not read.

    Raises:
        DataError: `root` does not exist, is no folder or one of a program's own, holds no class folders or only one,
            gives a test split without a train split, or a class that is not in the train split, or lacks a wanted one.
    """
    if not root.is_dir():
        state = "is a file, not a folder" if root.exists() else "does not exist"
        near = [f"did you mean {root.parent / name}?" for name in similar(root.name, root.parent)]
        hint = near[0] if near else "give a folder that holds one folder of images per class"
        raise DataError(f"data: {root} {state}; {hint}")
    if kind := kept_apart(root):
        raise DataError(f"data: {root} is {kind}, not a folder of images; give a folder of class folders")
    walk, folder_layout = _Walk(root, wanted), layout(root, wanted)
    _walk_over(walk, folder_layout)
    class_names = _class_names(dict(folder_layout.splits)["train"], walk)
    # What a pack depends on beside the files' content: a file moved to another class changes no file.
    described = "\0".join(class_names) + "\1" + "\0".join(walk.parts)
    files = ((described, ()), *zip(walk.names, walk.stamps, strict=True))
    notes = (*_split_notes(folder_layout), *walk.notes())
    return DataSource(
        root.resolve().name,
        files,
        lambda progress: _images(root, walk, class_names, notes, progress),
        tuple(outside(root, walk.names)),
    )


def _walk_over(walk: _Walk, folder_layout: Layout) -> None:
    for part, folder in folder_layout.splits:
        for name in visible_folders(folder):
            _gather(walk, folder / name, part)
    for folder in sorted({walk.root, *(folder for _, folder in folder_layout.splits)}):
        walk.beside += [(folder / name).relative_to(walk.root).as_posix() for name in visible_files(folder)]
        for apart, kind in folders_apart(folder):
            walk.keep_apart(apart, kind)


def _images(
    root: Path, walk: _Walk, class_names: tuple[str, ...], notes: tuple[str, ...], progress: Progress
) -> Images:
    number = {name: position for position, name in enumerate(class_names)}
    labels = np.array([number[name] for name in walk.classes], dtype=np.int64)
    pixels = FilePixels(root, tuple(walk.names), progress)
    return Images(class_names, labels, np.array(walk.parts), pixels, tuple(walk.broken), notes)


def _split_notes(folder_layout: Layout) -> Iterator[str]:
    if folder_layout.left_out:
        splits = " and ".join(f"{folder.name}/" for _, folder in folder_layout.splits)
        yield f"the splits are {splits}; not used: {listed([f'{name}/' for name in folder_layout.left_out])}"


def _class_names(train: Path, walk: _Walk) -> tuple[str, ...]:
    used = {*map(nfc, walk.folders)}
    empty = {nfc(Path(name).name) for name in walk.empty}
    refuse_unknown(walk.root, walk.wanted, {*used, *empty, *map(nfc, walk.unwanted)})
    trained = {name for name, part in zip(walk.classes, walk.parts, strict=True) if part == "train"}
    refuse_untrained(walk.root, {*used, *(walk.wanted or ())}, trained)
    if len(trained) < 2:
        content = f"only {next(iter(trained))!r}" if trained else "no folder with images in it"
        more = _deeper(train) or "".join(f"\n  {note}" for note in spelling_notes(walk.folders, "class"))
        raise DataError(f"data: {train} must hold at least two class folders, one per class; it has {content}{more}")
    return walk.wanted or tuple(sorted(trained))


def _deeper(root: Path) -> str:
    """Return a hint where the class folders lie one folder further down.

    As unpacked archives have them.
    """
    folders = [root / name for name in visible_folders(root)]
    return f"\n  did you mean {folders[0]}?" if len(folders) == 1 and len(visible_folders(folders[0])) > 1 else ""


def _gather(walk: _Walk, class_folder: Path, part: str) -> None:
    """Add the images of a class folder.

    A folder without images is no class.
    """
    if walk.wanted is not None and nfc(class_folder.name) not in walk.wanted:
        walk.unwanted.append(class_folder.name)
        return
    before, root, endings = len(walk.names) + len(walk.broken), walk.root, Counter[str]()
    for path, stamp in files_below(class_folder, (identity_of(root),), walk.keep_apart):
        name = path.relative_to(root).as_posix()
        if not is_image(path):
            endings[path.suffix.lower()] += 1
        elif not stamp:
            walk.broken.append(Skipped(shown(name), "a link to nothing, or a file that cannot be looked at"))
        else:
            walk.names.append(name)
            walk.classes.append(nfc(class_folder.name))
            walk.parts.append(part)
            walk.stamps.append(stamp)
    if len(walk.names) + len(walk.broken) == before:
        walk.empty.append(class_folder.relative_to(root).as_posix())
        return
    walk.folders.append(class_folder.name)
    walk.endings += endings
