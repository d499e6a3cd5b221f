"""From the names in a table to the image files that they mean.

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

EXTENSIONS = (".jpg", ".png", ".jpeg", ".webp", ".JPG", ".PNG", ".JPEG", ".tif", ".bmp", ".gif", ".tiff")

_TRIED = 8  # files of a kind whose headers are read, to see whether they are images


@dataclass(frozen=True, slots=True)
class Kind:
    """Files in one folder with one ending that the table lacks ("" where it lacks none)."""

    folder: str
    ending: str

    def __str__(self) -> str:
        folder = f"{self.folder}/" if self.folder else ""
        return f"{folder}*{self.ending}" if self.ending else folder or "./"


@dataclass(frozen=True, slots=True)
class File:
    """A file that a name may mean: its kind, and its path, relative to the table's folder where it lies below."""

    kind: Kind
    path: str


class Lookup:
    """Finds image files by name, around the tables in `folder`.

    Raises:
        DataError: `images` (the setting of that name) is no folder.
    """

    def __init__(self, folder: Path, images: str | None = None) -> None:
        self._folder = folder
        self._images = images
        self._before, self._after = "", ""
        places = ("", *visible_folders(folder))
        if images is not None:
            place, self._before, self._after = _pattern(images)
            places = (_checked(folder, place),)
        self._places = places
        self._files = cache(self._list)

    @property
    def where(self) -> str:
        """Where names are looked for, in words."""
        return f"in {self._images} (data.images)" if self._images else "from the folder of the CSV file"

    @property
    def asked_for(self) -> tuple[Path, ...]:
        """The folder that the user named, () where it is left to us."""
        return tuple(self._folder / place for place in self._places) if self._images else ()

    def __contains__(self, name: str) -> bool:
        """Whether there is a file that `name` may mean."""
        return bool(self._meant(name))

    def find(self, table: str, names: Sequence[str], splits: Sequence[str]) -> tuple[list[str | None], list[str]]:
        """The path that each of `names` means, None where there is none, and what was decided, in sentences.

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
        """All files that `name` may mean; slashes may be as Windows writes them."""
        for spelling in dict.fromkeys((name, name.replace("\\", "/"))):
            directory, slash, last = f"{self._before}{spelling}{self._after}".rpartition("/")
            if name and last and (files := list(self._matching(directory or slash, last))):
                return files
        return []

    def _matching(self, directory: str, last: str) -> Iterator[File]:
        files = self._files(directory)
        lacks = not self._after and Path(last).suffix.lower() not in EXTENSIONS
        for ending in ("", *EXTENSIONS) if lacks else ("",):
            alike = files.get(nfc(last + ending), ())
            exact = {place for place, path in alike if Path(path).name == last + ending} if len(alike) > 1 else ()
            for place, path in alike:
                if place not in exact or Path(path).name == last + ending:
                    yield File(Kind(place, ending), path)

    def _list(self, directory: str) -> dict[str, list[tuple[str, str]]]:
        """The files in `directory` from every place, by name in NFC: (place, path)."""
        listing: dict[str, list[tuple[str, str]]] = {}
        seen = set()
        for place in self._places:
            folder = on_disk(self._folder / place / directory)
            if not folder.is_dir() or identity_of(folder) in seen:
                continue
            seen.add(identity_of(folder))
            start = _start(folder, self._folder)
            with suppress(PermissionError), os.scandir(folder) as entries:
                for name in (entry.name for entry in entries if entry.is_file()):
                    listing.setdefault(nfc(name), []).append((place, start + name))
        return listing

    def _distinct(self, files: list[File]) -> list[File]:
        """Without links to a file that is among them already."""
        if len(files) < 2:
            return files
        return list({identity_of(self._folder / file.path): file for file in reversed(files)}.values())[::-1]

    def _readable(self, table: str, choices: list[list[File]], notes: list[str]) -> list[list[File]]:
        """Without the kinds that are no images, where they compete with one that is."""
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
    """A sentence on names that the files have in another Unicode form."""
    pairs = [(name, path) for name, path in zip(names, paths, strict=True) if path and not name.isascii()]
    other = [(name, path) for name, path in pairs if name.replace("\\", "/") not in path and nfc(name) in nfc(path)]
    if other:
        name, path = other[0]
        yield f"{table}: {len(other)} names are those of files in another Unicode form, such as {name!a} of {path!a}"


def _of_the_folder(choices: list[list[File]]) -> list[list[File]]:
    """Those in the table's own folder alone, where it holds every name that is anywhere."""
    own = [[file for file in files if not file.kind.folder] for files in choices]
    return own if list(map(bool, own)) == list(map(bool, choices)) else choices


def _of_their_split(table: str, choices: list[list[File]], splits: Sequence[str], notes: list[str]) -> list[list[File]]:
    """Those in the folder that is named like their split alone, for splits of which there is such a folder."""
    held = {(split, file.kind.folder) for files, split in zip(choices, splits, strict=True) for file in files}
    own = {split: {folder for of, folder in held if of == split == split_in(folder)} for split in {*splits} - {""}}
    own = {split: folders for split, folders in own.items() if folders}
    chosen = [
        [file for file in files if file.kind.folder in own[split]] if split in own else files
        for files, split in zip(choices, splits, strict=True)
    ]
    if chosen != choices:
        taken = listed([f"{folder}/" for split in sorted(own) for folder in sorted(own[split])])
        notes.append(f"{table}: of names that several folders hold, those in the folder of their split count: {taken}")
    return chosen


def _pattern(images: str) -> tuple[str, str, str]:
    """The folder of `data.images`, and what comes before and after the name in the names of its files."""
    folder, _, last = images.rpartition("/")
    if "*" not in last:
        return images, "", ""
    before, _, after = last.partition("*")
    return folder or ".", before, after


def _checked(folder: Path, place: str) -> str:
    path = on_disk(folder / place)
    if path.is_dir():
        return os.path.relpath(path, folder)
    near = [f"; did you mean {name}/?" for name in similar(Path(place).name, (folder / place).parent)]
    raise DataError(f"data.images: {folder / place} is not a folder{near[0] if near else ''}")


def _start(folder: Path, table_folder: Path) -> str:
    """How the paths of files in `folder` begin: from the table's folder where they lie below it."""
    relative = os.path.relpath(folder, table_folder).replace(os.sep, "/")
    if relative == ".":
        return ""
    return f"{folder}/" if relative.split("/")[0] == ".." else f"{relative}/"
