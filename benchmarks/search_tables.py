"""Tables of learning curves, on which searches are compared, and what is regretted on them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class CurveTable:
    """Recorded curves of many configurations, all of the same length.

    `configs` is [N, D], NaN where a parameter is inactive, and `losses` [N, E], after each epoch: less is better, inf
    where training diverged.
    """

    name: str
    names: tuple[str, ...]
    configs: Array
    losses: Array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CurveTable) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)  # the same in a process of a pool, which has a copy

    @property
    def rows(self) -> int:
        """The number of configurations, N."""
        return len(self.configs)

    @property
    def epochs(self) -> int:
        """The number of epochs, E."""
        return self.losses.shape[1]

    @cached_property
    def digest(self) -> str:
        """What tells this table from another, whatever their names."""
        parts = (repr(self.names).encode(), self.configs.tobytes(), self.losses.tobytes())
        return hashlib.sha256(b"".join(parts)).hexdigest()[:16]

    @cached_property
    def regrets(self) -> Array:
        """The regret of every row after its last epoch, [N].

        It is the part that is left of the way from the table's median final loss, 1, to its best, 0.
        """
        final = self.losses[:, -1]
        best, median = final.min(), float(np.median(final))
        return (final - best) / (median - best)


def load_table(path: Path) -> CurveTable:
    """Read a table of an npz: `names` [D], `configs` [N, D] and `valid_loss` [N, 1 + E], its first before training.

    Where there is `valid_accuracy`, which is what `hpo run` looks at, the loss is its complement.

    Raises:
        SystemExit: an array is missing, or their shapes do not fit.
    """
    with np.load(path) as arrays:
        if missing := {"names", "configs"} - set(arrays.files):
            raise SystemExit(f"{path}: a table of curves must have {' and '.join(sorted(missing))}")
        names, configs = tuple(map(str, arrays["names"])), arrays["configs"].astype(np.float64)
        if "valid_accuracy" in arrays.files:
            losses = 1 - arrays["valid_accuracy"].astype(np.float64)
        else:
            losses = arrays["valid_loss"].astype(np.float64)
    if configs.shape != (len(losses), len(names)):
        raise SystemExit(f"{path}: configs must be [{len(losses)}, {len(names)}], got {list(configs.shape)}")
    return CurveTable(path.stem, names, configs, np.where(np.isnan(losses), np.inf, losses)[:, 1:])


def load_tables(folder: Path) -> Sequence[CurveTable]:
    """Read all tables of a folder, by name.

    Raises:
        SystemExit: there are none.
    """
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise SystemExit(f"--curves {folder}: there is no table of curves (*.npz); see benchmarks/search_tables.py")
    return [load_table(path) for path in paths]
