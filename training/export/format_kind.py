"""What a file format of an export is: how it is made from model.onnx and model.pt2, and how it is run again.

No torch here nor at the import of a format: whoever uses an ONNX file need not have it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...common.installation import Extra
from ..config import TrialConfig

if TYPE_CHECKING:
    from ..data.pack import Split

Pixels = NDArray[np.uint8]
Logits = NDArray[np.float32]
Runtime = Callable[[Pixels], Logits]
"""A loaded file: images uint8 [N, C, H, W] to logits float32 [N, classes], for any N."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a format is made from: a folder with model.onnx and model.pt2, their configuration, and real images.

    `calibration` is the validation split: number ranges are taken from it, and never from test images.
    """

    folder: Path
    config: TrialConfig
    calibration: "Split"


class Format(Protocol):
    """A file format."""

    @property
    def files(self) -> tuple[str, ...]:
        """Their names in an export, the model first."""
        ...

    @property
    def extra(self) -> Extra | None:
        """What must be installed besides hpo itself."""
        ...

    @property
    def needs_torch(self) -> bool:
        """Whether running it takes torch."""
        ...

    @property
    def exact(self) -> bool:
        """Whether it must give the trained model's logits up to rounding; if not, its accuracy decides."""
        ...

    @property
    def must_pay(self) -> bool:
        """Whether it is of use only where it is smaller and faster than model.onnx."""
        ...

    @property
    def may_run_code(self) -> bool:
        """Whether its runtime may run code that lies in the file; such files are loaded from exports on record alone.

        False for numbers and graphs of known operators; a model of the user's is judged when its source is run.
        """
        ...

    def load(self, folder: Path, threads: int) -> Runtime:
        """The model in `folder`, on so many threads of the CPU; exceptions are those of the runtime."""
        ...


@runtime_checkable
class DerivedFormat(Format, Protocol):
    """A format that is made from the base formats."""

    def write(self, source: Source) -> str:
        """Make its files in `source.folder`; how, in a few words. Exceptions are those of the converter."""
        ...
