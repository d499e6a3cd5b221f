"""The file formats of exports: making them and running them again.

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
    """The material of a format: base files, configuration and real images.

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
        """Whether it must give the trained model's logits up to rounding.

        If not, its accuracy decides.
        """
        ...

    @property
    def must_pay(self) -> bool:
        """Whether it must be smaller and faster than model.onnx."""
        ...

    @property
    def may_run_code(self) -> bool:
        """Whether its runtime may run code that lies in the file.

        Such files are loaded from exports on record alone.

        False for numbers and graphs of known operators; a model of the user's is judged when its source is run.
        """
        ...

    def load(self, folder: Path, threads: int) -> Runtime:
        """Load the model in `folder`, on so many threads of the CPU.

        Exceptions are those of the runtime.
        """
        ...


@runtime_checkable
class DerivedFormat(Format, Protocol):
    """A format that is made from the base formats."""

    def write(self, source: Source) -> str:
        """Make its files in `source.folder`; return how, in a few words.

        Exceptions are those of the converter.
        """
        ...
