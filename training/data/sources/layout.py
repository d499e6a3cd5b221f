"""Whether the folders in a folder are splits or classes.

By their names and contents:

0. A folder without images is neither. Where `data.classes` names folders that are all there, they are the classes.
1. train/ with test/ or val/ (or another name in SPLITS) beside it are splits; any other folder there is left out.
2. Where that does not hold, so are folders with one of these words in their name (`train_set`, `seg_test`), if they
   hold folders and no files.
3. Otherwise each folder is a class, unless one of a split's name holds two folders or more and no files, or is the only
   one that does and has such a word in its name: then nobody can tell, and the user is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ....errors import DataError
from .base import SPLITS, listed, split_in
from .classes import Wanted
from .image_files import holds_images
from .spelling import nfc
from .walk import visible_files, visible_folders


@dataclass(frozen=True, slots=True)
class Layout:
    """The class folders by split, and the folders that are not used.

    `splits` are pairs of a split and the folder that holds its class folders.
    """

    splits: tuple[tuple[str, Path], ...]
    left_out: tuple[str, ...] = ()


def layout(root: Path, wanted: Wanted = None) -> Layout:
    """Return how `root` is laid out, for the classes `wanted`.

    Raises:
        DataError: a split is there twice, test/ or val/ without train/, or it cannot be told what a folder is.
    """
    folders = visible_folders(root)
    if wanted is not None and {*wanted} <= {*map(nfc, folders)}:
        return Layout((("train", root),))
    names = [name for name in folders if holds_images(root / name, root)]
    exact = {name: SPLITS[name.lower()] for name in names if name.lower() in SPLITS}
    if exact and (_complete(exact) or len(exact) == len(names)):
        return _as_splits(root, folders, exact)
    nested = {name: split for name in names if (split := split_in(name)) and _holds_folders(root / name)}
    if _complete(nested):
        return _as_splits(root, folders, nested)
    _refuse_doubtful(root, names)
    return Layout((("train", root),))


def _complete(splits: Mapping[str, str]) -> bool:
    return "train" in splits.values() and len(set(splits.values())) > 1


def _as_splits(root: Path, names: Sequence[str], splits: Mapping[str, str]) -> Layout:
    if "train" not in splits.values() or len(set(splits.values())) < len(splits):
        raise DataError(
            f"data: {root} must have train/, and test/ and val/ at most once each; it has {', '.join(splits)}"
        )
    folders = sorted((split, root / name) for name, split in splits.items())
    return Layout(tuple(folders), tuple(name for name in names if name not in splits))


def _refuse_doubtful(root: Path, names: Sequence[str]) -> None:
    if not any(map(split_in, names)):
        return
    deep = [name for name in names if _holds_folders(root / name, at_least=2)]
    for name in deep:
        if name.lower() in SPLITS or (split_in(name) and len(deep) == 1):
            inner = listed([f"{inner}/" for inner in visible_folders(root / name)])
            siblings = listed([f"{other}/" for other in names if other != name])
            raise DataError(
                f"data: {root}: {name}/ holds {inner}: it may be a split, beside {siblings}, or a class with folders\n"
                f"  a split: give {root / name}, or name the others train/, test/ and val/; "
                "a class: name all of them with data.classes"
            )


def _holds_folders(folder: Path, at_least: int = 1) -> bool:
    return len(visible_folders(folder)) >= at_least and not visible_files(folder)
