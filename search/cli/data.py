"""`hpo data`: what is in a data set, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING

from ..commands.data.options import DataOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from rich.table import Table

    from ...training.data.inspect.inspection import Inspection

_CLASSES, _NAMED = 30, 5  # rows of tables and names in lists that fit a screen; --json and --html have more


@command
def data(options: DataOptions, json: JsonOption = False) -> None:
    """Look at a data set: classes, sizes, unreadable files, duplicates, leaks, and what to set.

    Nothing is trained, and nothing is written but what --html and --save-split name.
    """
    from contextlib import closing

    from ...training.data.inspect.survey import inspect_images, read
    from ..progress.single import watcher
    from ..resolve.data import choose_data

    config = choose_data(options.source, options.overrides, options.image_size, strict=options.strict)
    with closing(watcher()) as view:
        name, images = read(config, options.data_root, view.stage)
        found = inspect_images(name, images, config)
    if options.html is not None:
        from ...training.data.inspect.page import page
        from ...training.data.inspect.pictures import pictures

        _write(options.html, page(found, pictures(found, images)))
    if options.save_split is not None:
        from ...training.data.split_file import split_text

        _write(options.save_split, split_text(found.names, found.rows))
    print_json(found.to_json()) if json else _show(found)


def _write(path: Path, text: str) -> None:
    from ...studies.files import write_text

    write_text(path, text)
    say(f"written: {path}")


def _show(found: "Inspection") -> None:
    from .tables import stdout

    console = stdout()
    counts = {split: len(rows) for split, rows in found.rows.items()}
    shares = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    given = f" (given: {', '.join(found.given_splits)})" if found.given_splits else ""
    console.print(f"{found.source}: {len(found.class_names)} classes, {shares}{given}")
    console.print(_classes(found))
    console.print(_facts(found))
    for text in (*found.notes, *(f"-> {text}" for text in found.suggestions)):
        console.print(text)


def _classes(found: "Inspection") -> "Table":
    from .tables import table

    view = table("class", "train", "val", "test")
    rows = list(zip(found.class_names, *found.counts.values(), strict=True))
    for name, *counts in rows[:_CLASSES]:
        view.add_row(str(name), *map(str, counts))
    if len(rows) > _CLASSES:
        view.add_row(f"and {len(rows) - _CLASSES} more")
    return view


def _facts(found: "Inspection") -> "Table":
    from .tables import table

    view = table("", "")
    sizes = {f"{width}x{height}": count for (width, height), count in found.sizes.items()}
    channels = "grey" if found.channels == 1 else "colour"
    view.add_row("trained at", f"{found.image_size}x{found.image_size}, {channels} ({found.image_size_from})")
    for name, counts in (("sizes", sizes), ("modes", found.modes), ("formats", found.kinds)):
        view.add_row(name, _listed([f"{value}: {count:,}" for value, count in counts.items()]))
    view.add_row("mean, std", f"{_numbers(found.mean)}, {_numbers(found.std)}")
    unreadable = [f"{entry.path} ({entry.reason})" for entry in found.skipped]
    view.add_row("unreadable", f"{len(unreadable)}" + (f": {_listed(unreadable)}" if unreadable else ""))
    for name, twins in (
        ("two labels", found.conflicts),
        ("leaks", found.leaks),
        ("duplicates", found.duplicates),
        ("near duplicates", found.near),
    ):
        pairs = [" = ".join(found.names[row] for row in group.rows[:2]) for group in twins]
        view.add_row(name, f"{len(pairs):,}" + (f": {_listed(pairs)}" if pairs else ""))
    return view


def _listed(items: list[str]) -> str:
    return ", ".join(items[:_NAMED]) + (f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else "")


def _numbers(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:.3f}" for value in values)
