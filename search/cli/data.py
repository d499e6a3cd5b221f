"""`hpo data`: the contents of a data set, and its faults."""

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
    """Look at a data set: classes, sizes, unreadable files, duplicates and leaks.

    It also says what to set. Nothing is trained, and nothing is written but what --html and --save-split name.
    """
    from contextlib import closing

    from ...training.data.inspect.survey import inspect_images, read
    from ..progress.single import watcher
    from ..resolve.data import choose_data

    config = choose_data(options.source, options.overrides, options.image_size, strict=options.strict)
    with closing(watcher()) as view:
        name, images = read(config, options.data_root, view.stage)
        inspection = inspect_images(name, images, config)
    if options.html is not None:
        from ...training.data.inspect.page import page
        from ...training.data.inspect.pictures import pictures

        _write(options.html, page(inspection, pictures(inspection, images)))
    if options.save_split is not None:
        from ...training.data.split_file import split_text

        _write(options.save_split, split_text(inspection.names, inspection.rows))
    print_json(inspection.to_json()) if json else _show(inspection)


def _write(path: Path, text: str) -> None:
    from ...studies.files import write_text

    write_text(path, text)
    say(f"written: {path}")


def _show(inspection: "Inspection") -> None:
    from .tables import stdout

    console = stdout()
    counts = {split: len(rows) for split, rows in inspection.rows.items()}
    shares = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    provided = f" (given: {', '.join(inspection.given_splits)})" if inspection.given_splits else ""
    console.print(f"{inspection.source}: {len(inspection.class_names)} classes, {shares}{provided}")
    console.print(_classes(inspection))
    console.print(_facts(inspection))
    for text in (*inspection.notes, *(f"-> {text}" for text in inspection.suggestions)):
        console.print(text)


def _classes(inspection: "Inspection") -> "Table":
    from .tables import table

    view = table("class", "train", "val", "test")
    rows = list(zip(inspection.class_names, *inspection.counts.values(), strict=True))
    for name, *counts in rows[:_CLASSES]:
        view.add_row(str(name), *map(str, counts))
    if len(rows) > _CLASSES:
        view.add_row(f"and {len(rows) - _CLASSES} more")
    return view


def _facts(inspection: "Inspection") -> "Table":
    from .tables import table

    view = table("", "")
    sizes = {f"{width}x{height}": count for (width, height), count in inspection.sizes.items()}
    channels = "grey" if inspection.channels == 1 else "colour"
    view.add_row(
        "trained at", f"{inspection.image_size}x{inspection.image_size}, {channels} ({inspection.image_size_from})"
    )
    for name, counts in (("sizes", sizes), ("modes", inspection.modes), ("formats", inspection.kinds)):
        view.add_row(name, _listed([f"{value}: {count:,}" for value, count in counts.items()]))
    view.add_row("mean, std", f"{_numbers(inspection.mean)}, {_numbers(inspection.std)}")
    unreadable = [f"{entry.path} ({entry.reason})" for entry in inspection.skipped]
    view.add_row("unreadable", f"{len(unreadable)}" + (f": {_listed(unreadable)}" if unreadable else ""))
    for name, twins in (
        ("two labels", inspection.conflicts),
        ("leaks", inspection.leaks),
        ("duplicates", inspection.duplicates),
        ("near duplicates", inspection.near),
    ):
        # two of a group stand for it
        pairs = [" = ".join(inspection.names[row] for row in group.rows[:2]) for group in twins]
        view.add_row(name, f"{len(pairs):,}" + (f": {_listed(pairs)}" if pairs else ""))
    return view


def _listed(items: list[str]) -> str:
    return ", ".join(items[:_NAMED]) + (f" and {len(items) - _NAMED:,} more" if len(items) > _NAMED else "")


def _numbers(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:.3f}" for value in values)
