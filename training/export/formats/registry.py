"""Formats by name; `onnx-fp16` is in onnx_fp16.py.

@register_format("onnx-fp16")
class OnnxHalf:
    files = ("model.fp16.onnx",)
    ...
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeVar

from ....common.installation import install_command
from ....common.registry import Registry, modules_beside
from ....errors import SpaceError

if TYPE_CHECKING:
    from ....common.installation import Extra
    from ..format_kind import Format

BASE = ("onnx", "pt2")
"""In every export: all others are made from these two."""

_modules = {name.replace("_", "-"): module for name, module in modules_beside(__name__).items()}
FORMATS: "Registry[Format]" = Registry("format", modules={name: _modules[name] for name in (*BASE, *_modules)})

Kind = TypeVar("Kind", bound="Callable[[], Format]")


def register_format(name: str) -> Callable[[Kind], Kind]:
    """Make the decorated class known as format `name`.

    Raises:
        SpaceError: the name is taken.
    """

    def register(kind: Kind) -> Kind:
        FORMATS.add(name, kind())
        return kind

    return register


def derived_names() -> tuple[str, ...]:
    """Return the names of the formats beside the base formats."""
    return tuple(name for name in FORMATS if name not in BASE)


def choose_formats(wishes: Iterable[str]) -> tuple[str, ...]:
    """Return the formats that `wishes` name, base formats first.

    A wish is a name, several with commas between, or `all`; no name comes twice.

    `all` are those whose extra is installed.

    Raises:
        SpaceError: there is no such format, or its extra is not installed.
    """
    named = {name.strip() for wish in wishes for name in wish.split(",") if name.strip()}
    if "all" in named:
        named = named - {"all"} | {name for name in FORMATS if _missing(name) is None}
    for name in named:
        if (extra := _missing(name)) is not None:
            raise SpaceError(f"format {name}: {extra.package} is not installed; {install_command(extra.name)}")
    return tuple(name for name in FORMATS if name in named or name in BASE)


def _missing(name: str) -> "Extra | None":
    """Return the extra that the format `name` lacks here."""
    extra = FORMATS.find(name).extra
    return None if extra is None or extra.installed else extra
