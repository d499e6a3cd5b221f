"""Lookup of the image files that the names in a table mean.

A name is looked for in the table's folder and in each folder directly in it. Where it could be that of several files,
the first of these rules that applies decides, for all names of the table alike:

1. `data.images` names the folder, or with a `*` in place of the name the files: `images/*.jpg`.
2. The table's folder, where it holds every name that is to be had.
3. A row of a split is looked for in the folder named like its split alone, where that holds any such row's name; the
   split is what the row says, or the name of the table.
4. Files of a kind (a folder and an extension) of which none can be read as an image give way to others.

Otherwise the user is asked. Names that are in one place alone are taken from there.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ....common.decode import UnreadableImageError, header
from ....common.display import visible
from ....errors import DataError
from .base import listed, similar, split_in
from .spelling import nfc, on_disk
from .walk import identity_of, visible_folders

# in order of preference, where a name lacks its ending
EXTENSIONS = (".jpg", ".png", ".jpeg", ".webp", ".JPG", ".PNG", ".JPEG", ".tif", ".bmp", ".gif", ".tiff")

_TRIED = 8  # headers read per kind: one damaged file says nothing, eight say what the kind is


@dataclass(frozen=True, slots=True)
class Kind:
    """Files in one folder with one ending that the table lacks.

    "" where it lacks none.
    """

    folder: str
    ending: str

    def __str__(self) -> str:
        folder = f"{self.folder}/" if self.folder else ""
        return f"{folder}*{self.ending}" if self.ending else folder or "./"


@dataclass(frozen=True, slots=True)
class File:
    """A file that a name may mean: its kind, and its path.

    The path is relative to the table's folder where it lies below.
    """

    kind: Kind
    path: str


class Lookup:
    """A lookup of image files by name, around the tables in `folder`.

    Raises:
        DataError: `images` (the setting of that name) is no folder.
    """

    def __init__(self, folder: Path, images: str | None = None) -> None:
        self._folder = folder
        self._images = images
        self._before, self._after = "", ""
        folders = ("", *visible_folders(folder))
        if images is not None:
            subfolder, self._before, self._after = _pattern(images)
            folders = (_checked(folder, subfolder),)
        self._subfolders = folders
        self._files = cache(self._list)

    @property
    def where(self) -> str:
        """The folders where names are looked up, in words."""
        return f"in {self._images} (data.images)" if self._images else "from the folder of the CSV file"

    @property
    def asked_for(self) -> tuple[Path, ...]:
        """The folder that the user named; () where none is named."""
        return tuple(self._folder / subfolder for subfolder in self._subfolders) if self._images else ()

    def __contains__(self, name: str) -> bool:
        """Whether there is a file that `name` may mean."""
        return bool(self._meant(name))

    def find(self, table: str, names: Sequence[str], splits: Sequence[str]) -> tuple[list[str | None], list[str]]:
        """Return the path that each of `names` means, and notes.

        None where there is no file.

        `splits` says for each name which split it belongs to, "" where nothing does; `table` is the file's name.

        Raises:
            DataError: a name may mean more than one file, and no rule decides.
        """
        notes = [f"{table}: the images are those in {self._images} (data.images)"] if self._images else []
        choices = _of_the_folder([self._meant(name) for name in names])
        choices = _of_their_split(table, choices, splits, notes)
        choices = self._readable(table, [self._distinct(files) for files in choices], notes)
        self._refuse_several(table, names, choices)
        paths = [files[0].path if files else None for files in choices]
        return paths, notes + list(_form_notes(table, names, paths))

    def _meant(self, name: str) -> list[File]:
        """Return all files that `name` may mean.

        Slashes may be as Windows writes them.
        """
        for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
            directory, slash, last = f"{self._before}{spelling}{self._after}".rpartition("/")
            if name and last and (files := list(self._matching(directory or slash, last))):
                return files
        return []

    def _matching(self, directory: str, last: str) -> Iterator[File]:
        files = self._files(directory)
        lacks_ending = not self._after and Path(last).suffix.lower() not in EXTENSIONS
        for ending in ("", *EXTENSIONS) if lacks_ending else ("",):
            alike = files.get(nfc(last + ending), ())
            exact = (
                {subfolder for subfolder, path in alike if Path(path).name == last + ending} if len(alike) > 1 else ()
            )
            for subfolder, path in alike:
                if subfolder not in exact or Path(path).name == last + ending:
                    yield File(Kind(subfolder, ending), path)

    def _list(self, directory: str) -> dict[str, list[tuple[str, str]]]:
        """Return the files in `directory` below every folder, by NFC name.

        As (folder, path).
        """
        listing: dict[str, list[tuple[str, str]]] = {}
        visited = set()
        for subfolder in self._subfolders:
            folder = on_disk(self._folder / subfolder / directory)
            if not folder.is_dir() or identity_of(folder) in visited:
                continue
            visited.add(identity_of(folder))
            start = _start(folder, self._folder)
            with suppress(PermissionError), os.scandir(folder) as entries:
                for name in (entry.name for entry in entries if entry.is_file()):
                    listing.setdefault(nfc(name), []).append((subfolder, start + name))
        return listing

    def _distinct(self, files: list[File]) -> list[File]:
        """Return the files without links to one that is among them already."""
        if len(files) < 2:
            return files
        return list({identity_of(self._folder / file.path): file for file in reversed(files)}.values())[::-1]

    def _readable(self, table: str, choices: list[list[File]], notes: list[str]) -> list[list[File]]:
        """Drop kinds that are no images, where they compete with images."""
        rivals: dict[Kind, list[str]] = {}
        for file in (file for files in choices if len(files) > 1 for file in files):
            rivals.setdefault(file.kind, []).append(file.path)
        unreadable = {kind for kind, paths in rivals.items() if not any(map(self._is_image, paths[:_TRIED]))}
        if not unreadable or len(unreadable) == len(rivals):
            return choices
        notes.append(f"{table}: not images, and not used: {listed(sorted(map(str, unreadable)))}")
        return [[file for file in files if file.kind not in unreadable] for files in choices]

    def _is_image(self, path: str) -> bool:
        try:
            return bool(header(self._folder / path))
        except UnreadableImageError:
            return False

    def _refuse_several(self, table: str, names: Sequence[str], choices: list[list[File]]) -> None:
        several = [(name, files) for name, files in zip(names, choices, strict=True) if len(files) > 1]
        if not several:
            return
        name, files = several[0]
        folders, kinds = ([str(Kind(f.kind.folder, "")) for f in files], [str(f.kind) for f in files])
        wanted = folders if len({*folders}) == len(files) else kinds
        raise DataError(
            f"data: {self._folder / table}: {len(several)} names are those of more than one file\n"
            f"  {visible(name)}: {listed([file.path for file in files])}\n"
            f"  data.images says which are meant: {' or '.join(dict.fromkeys(wanted))}"
        )


def _form_notes(table: str, names: Sequence[str], paths: Sequence[str | None]) -> Iterator[str]:
    """Yield a sentence on names of files in another Unicode form."""
    pairs = [(name, path) for name, path in zip(names, paths, strict=True) if path and not name.isascii()]
    other = [(name, path) for name, path in pairs if name.replace("\\", "/") not in path and nfc(name) in nfc(path)]
    if other:
        name, path = other[0]
        yield f"{table}: {len(other)} names are those of files in another Unicode form, such as {name!a} of {path!a}"


def _of_the_folder(choices: list[list[File]]) -> list[list[File]]:
    """Keep the files of the table's folder, if it holds all."""
    own = [[file for file in files if not file.kind.folder] for files in choices]
    return own if list(map(bool, own)) == list(map(bool, choices)) else choices


def _of_their_split(table: str, choices: list[list[File]], splits: Sequence[str], notes: list[str]) -> list[list[File]]:
    """Keep files in the folder named like their split alone.

    For splits of which there is such a folder.
    """
    pairs = {(split, file.kind.folder) for files, split in zip(choices, splits, strict=True) for file in files}
    own_folders = {
        split: {folder for of, folder in pairs if of == split == split_in(folder)} for split in {*splits} - {""}
    }
    own_folders = {split: folders for split, folders in own_folders.items() if folders}
    chosen = [
        [file for file in files if file.kind.folder in own_folders[split]] if split in own_folders else files
        for files, split in zip(choices, splits, strict=True)
    ]
    if chosen != choices:
        listed_folders = listed(
            [f"{folder}/" for split in sorted(own_folders) for folder in sorted(own_folders[split])]
        )
        notes.append(
            f"{table}: of names that several folders hold, those in the folder of their split count: {listed_folders}"
        )
    return chosen


def _pattern(images: str) -> tuple[str, str, str]:
    """Return the folder of `data.images`, and what surrounds the name.

    What comes before and after the name in the names of its files.
    """
    folder, _, last = images.rpartition("/")
    if "*" not in last:
        return images, "", ""
    before, _, after = last.partition("*")
    return folder or ".", before, after


def _checked(folder: Path, subfolder: str) -> str:
    path = on_disk(folder / subfolder)
    if path.is_dir():
        return os.path.relpath(path, folder)
    near = [f"; did you mean {name}/?" for name in similar(Path(subfolder).name, (folder / subfolder).parent)]
    raise DataError(f"data.images: {folder / subfolder} is not a folder{near[0] if near else ''}")


def _start(folder: Path, table_folder: Path) -> str:
    """Return how the paths of files in `folder` begin.

    From the table's folder where they lie below it.
    """
    relative = os.path.relpath(folder, table_folder).replace(os.sep, "/")
    if relative == ".":
        return ""
    return f"{folder}/" if relative.split("/")[0] == ".." else f"{relative}/"
