"""The result of `hpo data`, as values and as JSON."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pack import Skipped

SPLITS = ("train", "val", "test")
_LISTED = 1000  # groups, pairs and files in the JSON at most, to keep it readable; the counts are of all


@dataclass(frozen=True, slots=True)
class Twins:
    """Images that are equal (`likeness` 1) or nearly so, by row."""

    rows: tuple[int, ...]
    likeness: float = 1.0


@dataclass(frozen=True)
class Inspection:
    """The inspection of a whole data set.

    Attributes:
        source: its name.
        names: of every image of the source, by row; with them `labels`, positions in `class_names`, and `splits`:
            "train", "val", "test", or "" for images that are unreadable or not used.
        class_names: in label order.
        given_splits: the splits that the source itself names.
        rows: of each split, in the order of the source.
        sizes: how many images have (width, height), the most common first.
        modes, kinds: how many images have which mode ("RGB") and file format ("JPEG").
        image_size, image_size_from: what would be trained at, and where it comes from.
        channels, mean, std: as in the pack: of the training images, scaled to [0, 1].
        skipped: files that cannot be used.
        duplicates: images with equal pixels; `near`: pairs that are nearly equal.
        near_complete: whether all pairs were compared and are listed.
        notes: what was decided about splits and tables.
        suggestions: what to set or to mend, in words.
    """

    source: str
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    splits: NDArray[np.str_]
    class_names: tuple[str, ...]
    given_splits: tuple[str, ...]
    rows: Mapping[str, NDArray[np.int64]]
    sizes: Mapping[tuple[int, int], int]
    modes: Mapping[str, int]
    kinds: Mapping[str, int]
    image_size: int
    image_size_from: str
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    skipped: tuple[Skipped, ...]
    duplicates: tuple[Twins, ...]
    near: tuple[Twins, ...]
    near_complete: bool
    notes: tuple[str, ...]
    suggestions: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, tuple[int, ...]]:
        """Images per class of each split."""
        classes = len(self.class_names)
        return {
            split: tuple(np.bincount(self.labels[rows], minlength=classes).tolist())
            for split, rows in self.rows.items()
        }

    @property
    def conflicts(self) -> tuple[Twins, ...]:
        """The same image under two labels, one of each label first."""
        return _unlike(self.duplicates, self.labels)

    @property
    def leaks(self) -> tuple[Twins, ...]:
        """The same or nearly the same image in two splits.

        One of each split first. What is learned in training is known in the other.
        """
        return _unlike((*self.duplicates, *self.near), self.splits)

    def _splits_of(self, twins: Twins) -> set[str]:
        return set(self.splits[list(twins.rows)].tolist()) - {""}

    def leak_counts(self) -> Counter[str]:
        """Count the leaks by the splits between which they are.

        Such as "train, test".
        """
        return Counter(", ".join(split for split in SPLITS if split in self._splits_of(twins)) for twins in self.leaks)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, long lists cut to their first thousand.

        Everything but the images.
        """
        classes = zip(self.class_names, *self.counts.values(), strict=True)
        return {
            "source": self.source,
            "images": sum(map(len, self.rows.values())),
            "splits": {split: len(rows) for split, rows in self.rows.items()},
            "given_splits": list(self.given_splits),
            "classes": [dict(zip(("name", *SPLITS), entry, strict=True)) for entry in classes],
            "sizes": [[width, height, count] for (width, height), count in self.sizes.items()][:_LISTED],
            "modes": dict(self.modes),
            "formats": dict(self.kinds),
            "image_size": self.image_size,
            "image_size_from": self.image_size_from,
            "channels": self.channels,
            "mean": list(self.mean),
            "std": list(self.std),
            "skipped_count": len(self.skipped),
            "skipped": [{"path": entry.path, "reason": entry.reason} for entry in self.skipped[:_LISTED]],
            "duplicate_count": len(self.duplicates),
            "duplicates": self._listed(self.duplicates),
            "near_duplicate_count": len(self.near),
            "near_duplicates_complete": self.near_complete,
            "near_duplicates": self._listed(self.near),
            "label_conflict_count": len(self.conflicts),
            "label_conflicts": self._listed(self.conflicts),
            "leak_count": len(self.leaks),
            "leak_counts": dict(self.leak_counts()),
            "leaks": self._listed(self.leaks),
            "notes": list(self.notes),
            "suggestions": list(self.suggestions),
        }

    def _listed(self, all_twins: Sequence[Twins]) -> list[dict[str, Any]]:
        return [
            {
                "likeness": round(twins.likeness, 4),
                "images": [
                    {
                        "path": self.names[row],
                        "class": self.class_names[self.labels[row]],
                        "split": str(self.splits[row]) or None,
                    }
                    for row in twins.rows
                ],
            }
            for twins in all_twins[:_LISTED]
        ]


def _unlike(all_twins: Sequence[Twins], values: NDArray[Any]) -> tuple[Twins, ...]:
    """Return the twins whose images differ in `values` [images].

    "" stands for no value. One image of each value comes before all others, so that whoever shows the first few shows
    what is wrong with them.
    """
    candidates = ((twins, values[list(twins.rows)].tolist()) for twins in all_twins)
    return tuple(
        _unlike_first(twins, twin_values) for twins, twin_values in candidates if len({*twin_values} - {""}) > 1
    )


def _unlike_first(twins: Twins, values: Sequence[Any]) -> Twins:
    firsts = [values.index(value) for value in dict.fromkeys(values) if value != ""]
    remaining = [number for number in range(len(values)) if number not in firsts]
    return replace(twins, rows=tuple(twins.rows[number] for number in (*firsts, *remaining)))
