"""The images of a study: their number, classes, and what was noted as they were prepared."""

from collections.abc import Iterator

from .....common.sections import Block, Facts, Items, Section, Table, Text
from .....training.data.pack import Pack
from ..material import Material
from .registry import register_section

CLASSES, SKIPPED, NOTES = 40, 10, 30
"""Classes, unreadable files and notes that are listed; `hpo data` has all."""


@register_section("data", place=50)
def data(material: Material) -> Section | None:
    """The packed data; None where they are not in this home."""
    return None if material.pack is None else Section("Data", [*_blocks(material.pack)])


def _blocks(pack: Pack) -> Iterator[Block]:
    sizes = ", ".join(f"{pack.size(split):,} {split}" for split in ("train", "val", "test"))
    given = f" (given by the source: {', '.join(pack.given_splits)})" if pack.given_splits else ""
    colour = "grey" if pack.channels == 1 else "colour"
    yield Facts(
        {
            "source": pack.source,
            "images": f"{sizes}{given}",
            "trained at": f"{pack.image_size} x {pack.image_size}, {colour} ({pack.image_size_from})",
            "unreadable": f"{len(pack.skipped):,}" if pack.skipped else "",
        }
    )
    warnings = [*pack.notes[:NOTES], *(f"{entry.path}: {entry.reason}" for entry in pack.skipped[:SKIPPED])]
    if warnings:
        yield Items(warnings)
    rows = [
        [name, *(f"{pack.counts[split][index]:,}" for split in ("train", "val", "test"))]
        for index, name in enumerate(pack.class_names[:CLASSES])
    ]
    yield Table(["class", "train", "val", "test"], rows, numbers=frozenset(("train", "val", "test")))
    if len(pack.class_names) > CLASSES:
        yield Text(f"And {len(pack.class_names) - CLASSES:,} more classes.", quiet=True)
