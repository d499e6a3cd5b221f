"""The tables of recorded curves: which spaces on which images, of what size."""

import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from curve_journal import Journal, from_arrays
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.pack import Pack
from hpo.training.data.prepare import prepare

EPOCHS = 9
CURVES = Path(__file__).parent / "curves"
WORK = Path("~/.cache/hpo/recording").expanduser()
ARCHIVES = Path(__file__).resolve().parents[2] / "shared" / "data"

SPACES = {
    "simple_cnn": "simple_cnn",
    "resnet": "resnet",
    "wide_cnn": str(CURVES / "wide_cnn.yaml"),
    "constant_cnn": str(CURVES / "constant_cnn.yaml"),
}

# Few and small images, so that a configuration costs seconds of one core. Of 1,000 validation images the standard error
# of an accuracy is 1.6 points at most, and less of a loss.
SMALL = {"image_size": 12, "max_train": 2000, "max_val": 1000}
DATA: Mapping[str, Mapping[str, Any]] = {
    "digits": {"source": "digits", "val_fraction": 0.5, "test_fraction": 0.05, "max_train": 600},
    "signdigits": {"source": "signdigits", "image_size": 12, "val_fraction": 0.4, "test_fraction": 0.05},
    "fashion_mnist": {"source": "fashion_mnist", **SMALL},
    "cifar10": {"source": "cifar10", "val_fraction": 0.3, **SMALL},
}
# an image costs a residual network several times as much
FEWER = {"fashion_mnist": {"max_train": 1000}, "cifar10": {"max_train": 1000}}

# of each class of CIFAR-10's 5,000 as many as the subset needs; unpacking and reading all takes minutes
PER_CLASS = 400
FILES = {"signdigits": "signdigits64.tar.xz", "cifar10": "cifar10_jpegs.tar.xz"}


@dataclass(frozen=True)
class Table:
    """One space on one data set.

    With another length of the schedule and other settings of the data where a cheaper training is meant.
    """

    space_name: str
    data: str
    epochs: int = EPOCHS
    changes: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """The name of the table's files."""
        return f"{self.space_name}_{self.data}"

    def settings(self) -> dict[str, Any]:
        """Return the section `data` of its configurations, but for the batch size."""
        fewer = FEWER.get(self.data, {}) if self.space_name == "resnet" else {}
        return {**DATA[self.data], **fewer, **dict(self.changes)}

    def space(self) -> SearchSpace:
        """Load its space, with the epochs and the number format of the recording."""
        return load_space(
            SPACES[self.space_name], TrialConfig, [f"budget.epochs={self.epochs}", "precision.dtype=fp32"]
        )

    def setting(self) -> dict[str, Any]:
        """Return what the curves depend on besides the configuration, as JSON."""
        return {
            "space": self.space_name,
            "space_hash": self.space().hash,
            "data": self.settings(),
            "epochs": self.epochs,
        }


TABLES = {
    table.name: table
    for table in (
        *(Table(space, data) for data in DATA for space in ("simple_cnn", "resnet")),
        *(Table(space, data) for data in ("fashion_mnist", "cifar10") for space in ("wide_cnn", "constant_cnn")),
    )
}


def open_journal(table: Table, path: Path, kept: Path) -> Journal:
    """Open a table's journal, which begins with the npz that was kept, where that has the same setting."""
    journal = Journal(path, table.setting())
    if kept.exists():
        with np.load(kept) as columns:
            if json.loads(str(columns["setting"])) == table.setting():
                journal.adopt(from_arrays(table.space(), columns))
    return journal


def pack_of(table: Table, work: Path, archives: Path) -> Pack:
    """Return the packed images of a table, preparing them if needed.

    `work` keeps packs and unpacked archives, `archives` is the folder of the archives.
    """
    settings = table.settings()
    if table.data in FILES:
        settings["source"] = str(unpacked(archives / FILES[table.data], work / "images" / table.data))
    return prepare(DataConfig(**settings), cache=work / "cache")


def unpacked(archive: Path, folder: Path) -> Path:
    """Unpack the first images of each class of an archive to class folders; return their folder."""
    if folder.is_dir():
        return folder
    unfinished = folder.with_suffix(".part")
    with tarfile.open(archive) as packed:
        images = [member for member in packed.getmembers() if member.isfile() and "test" not in Path(member.name).parts]
        by_class = groupby(sorted(images, key=lambda image: image.name), key=lambda image: Path(image.name).parent.name)
        for _, of_class in by_class:
            for image in list(of_class)[:PER_CLASS]:
                image.name = str(Path(*Path(image.name).parts[-2:]))
                packed.extract(image, unfinished, filter="data")
    return unfinished.rename(folder)
