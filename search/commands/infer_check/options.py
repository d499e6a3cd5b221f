"""The options of `hpo infer-check`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from ..fields import Flag, TrustField


@dataclass(frozen=True, slots=True)
class InferCheckOptions:
    """The flags of `hpo infer-check`."""

    folder: Annotated[Path, Flag("An export of hpo retrain-best or hpo export.", metavar="DIR", positional=True)]
    trust: TrustField = False
