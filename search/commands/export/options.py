"""The options of `hpo export`, validated on construction."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ....training.export.formats.registry import choose_formats, derived_names
from ..fields import DataRootField, Flag, HomeField, StorageField, TrustField
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """Everything `hpo.export` takes; the flags of `hpo export` in the same words.

    `model` is a study that was retrained, the folder of an export, or of a run of `hpo train`. `out` None means: in its
    place for an export, in its folder `export` for a run. `trust` runs what is not on record, see docs/security.md.
    """

    model: Annotated[
        str, Flag("A study that was retrained, or a folder of hpo retrain-best or hpo train.", positional=True)
    ]
    formats: Annotated[
        tuple[str, ...],
        Flag(
            f"Some of {', '.join(derived_names())}; repeatable, or with commas between. Default: all.",
            name="--format",
            metavar="NAME",
        ),
    ] = ("all",)
    out: Annotated[Path | None, Flag("Where the export goes. Default: in place; for a run, its folder export.")] = None
    data_root: DataRootField = None
    storage: StorageField = None
    tracking_uri: Annotated[
        str | None, Flag("Where a study's export is registered, or none. Default: where the study is.")
    ] = None
    home: HomeField = None
    trust: TrustField = False

    def __post_init__(self) -> None:
        coerce(self)
        choose_formats(self.formats)
