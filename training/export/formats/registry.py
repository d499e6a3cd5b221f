"""Formats by name: how each is made from model.onnx and model.pt2, and how it is run again.

    @register_format("onnx-fp16")
    class OnnxHalf:
        files = ("model.fp16.onnx",)
        ...

No torch here nor at the import of a format: whoever uses an ONNX file need not have it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ....common.installation import Extra, install_command
from ....errors import ExportError, SpaceError, nearest
from ...config import TrialConfig

if TYPE_CHECKING:
    from ...data.pack import Split

Pixels = NDArray[np.uint8]
Logits = NDArray[np.float32]
Runtime = Callable[[Pixels], Logits]
"""A loaded file: images uint8 [N, C, H, W] to logits float32 [N, classes], for any N."""

BASE = ("onnx", "pt2")
"""In every export: all others are made from these two."""


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


Kind = TypeVar("Kind", bound=Callable[[], Format])
_formats: dict[str, Format] = {}


def register_format(name: str) -> Callable[[Kind], Kind]:
    """Make the decorated class known as format `name`.

    Raises:
        ExportError: the name is taken.
    """

    def register(kind: Kind) -> Kind:
        if name in _formats:
            raise ExportError(f"format {name}: a name is registered once, and {type(_formats[name])} has it already")
        _formats[name] = kind()
        return kind

    return register


def format_names() -> tuple[str, ...]:
    """Every registered name, the base formats first."""
    _load_built_ins()
    return (*BASE, *sorted(_formats.keys() - set(BASE)))


def find_format(name: str) -> Format:
    """The format registered as `name`.

    Raises:
        SpaceError: there is none; the message names the nearest.
    """
    known = format_names()
    if name not in known:
        raise SpaceError(f"format {name}: unknown; {nearest(name, known)}")
    return _formats[name]


def choose_formats(wishes: Iterable[str]) -> tuple[str, ...]:
    """The names in `wishes`, each one name, several with commas between, or `all`; without doubles, base formats first.

    `all` are those whose extra is installed.

    Raises:
        SpaceError: there is no such format, or its extra is not installed.
    """
    named = {name.strip() for wish in wishes for name in wish.split(",") if name.strip()}
    if "all" in named:
        named = named - {"all"} | {name for name in format_names() if _missing(name) is None}
    for name in named:
        if (extra := _missing(name)) is not None:
            raise SpaceError(f"format {name}: {extra.package} is not installed; {install_command(extra.name)}")
    return tuple(name for name in format_names() if name in named or name in BASE)


def _missing(name: str) -> Extra | None:
    """The extra that the format `name` lacks here."""
    extra = find_format(name).extra
    return None if extra is None or extra.installed else extra


def _load_built_ins() -> None:
    """Import the built-in formats, which register themselves; here and not at the top, since they import this file."""
    from . import executorch, onnx, onnx_half, onnx_int8, program, tensors, torchscript  # noqa: F401
