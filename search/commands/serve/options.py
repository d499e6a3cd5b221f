"""The options of `hpo serve`."""

from dataclasses import dataclass
from typing import Annotated

from ..fields import Flag, HomeField


@dataclass(frozen=True, slots=True)
class ServedOptions:
    """What `hpo serve` serves; `hpo.serving.flags.ServeFlags` says how."""

    target: Annotated[
        str | None,
        Flag(
            "An export folder, a study's name, or models:/NAME@ALIAS of the MLflow registry. "
            "Default: the export made last.",
            positional=True,
        ),
    ] = None
    tracking_uri: Annotated[str | None, Flag("Where models:/ is looked up. Default: where the study is.")] = None
    home: HomeField = None
