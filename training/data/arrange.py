"""The configuration's splits and groups, applied to a source."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import regex

from ...common.display import visible
from ...errors import DataError
from .config import DataConfig
from .sources.base import DataSource, Images, Progress, stamp
from .sources.classes import trained_classes
from .sources.columns import TableOptions
from .sources.find import find
from .sources.outside import outside_note, refuse_outside
from .sources.spelling import nfc
from .split_file import read_split

# of processor time, not of the clock: a busy machine is no reason to refuse; a million names take some 6 s
_ONE_NAME_S, _ALL_NAMES_S = 1.0, 60.0


def locate(config: DataConfig, data_root: Path | None = None) -> DataSource:
    """Return the source of `config`, located but not read.

    Reading it applies `split_file` and `group_pattern`.

    Raises:
        DataError: the source or the split file is missing or not usable, or files lie outside of it under `strict`.
    """
    source = find(config.source, data_root, _table_options(config), config.classes and tuple(map(nfc, config.classes)))
    if config.strict:
        refuse_outside(config.source, source.outside)
    split_file = Path(config.split_file).expanduser().absolute() if config.split_file else None
    if split_file and not split_file.is_file():
        raise DataError(f"data.split_file: {split_file} is not a file; write one with `hpo data SOURCE --save-split`")

    def read(progress: Progress) -> Images:
        images = source.read(progress)
        if source.outside:
            images = replace(images, notes=(*images.notes, outside_note(config.source, source.outside)))
        images = _with_split(images, config.source, split_file) if split_file else images
        return _with_groups(images, config.group_pattern) if config.group_pattern else images

    files = (*source.files, stamp(split_file)) if split_file else source.files
    return replace(source, files=files, read=read)


def _table_options(config: DataConfig) -> TableOptions:
    return TableOptions(
        config.path_column,
        config.label_column,
        config.split_column,
        config.group_column,
        config.images,
        config.encoding,
    )


def _with_split(images: Images, source: str, file: Path) -> Images:
    parts, notes = read_split(file, images.pixels.names)
    classes = [images.class_names[label] for label in images.labels[parts != "unused"]]
    if missing := set(images.class_names) - set(
        trained_classes(Path(source), classes, parts[parts != "unused"].tolist())
    ):
        raise DataError(f"data.split_file: {file} leaves out class {min(missing)!r}")
    return replace(images, parts=parts, notes=(*images.notes, *notes))


def _with_groups(images: Images, pattern: str) -> Images:
    matches = _matches(pattern, images.pixels.names)
    _refuse_unmatched(pattern, [name for name, match in zip(images.pixels.names, matches, strict=True) if not match])
    return replace(images, groups=tuple(match.group(1) or "" for match in matches if match))


def _matches(pattern: str, names: Sequence[str]) -> "list[regex.Match[str] | None]":
    """Return the match of `pattern` in each of `names`, in bounded time.

    The pattern may come from somebody else, and with Python's own `re` one such as ^(a|aa)+$ takes years.
    """
    compiled, until = regex.compile(nfc(pattern)), time.process_time() + _ALL_NAMES_S
    matches = []
    for name in names:
        try:
            left_s = min(_ONE_NAME_S, until - time.process_time())
            if left_s <= 0:
                raise TimeoutError
            matches.append(compiled.search(nfc(name), timeout=left_s))
        except TimeoutError as error:
            raise DataError(
                f"data.group_pattern: {visible(pattern)} must be found in a name within {_ONE_NAME_S:.0f} s, and in all"
                f" names within {_ALL_NAMES_S:.0f} s; it took longer at {visible(name)}\n"
                "  a repeat within a repeat, such as (a+)+, is mostly why"
            ) from error
    return matches


def _refuse_unmatched(pattern: str, names: Sequence[str]) -> None:
    """Raise DataError where there are names without a group.

    Guessing one could leak.
    """
    if names:
        shown = ", ".join(map(visible, names[:4])) + (" and so on" if len(names) > 4 else "")
        raise DataError(
            f"data.group_pattern: every file name must match {pattern}; {len(names)} do not: {shown}\n"
            "  `|` adds another case inside the parentheses, such as ^(film\\d+|.*)"
        )
