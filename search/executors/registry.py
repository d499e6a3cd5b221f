"""Executors by name."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.registry import Registry

if TYPE_CHECKING:
    from .base import Executor
    from .worker_process import Placement

EXECUTORS: "Registry[Callable[[Sequence[Placement], Path], Executor]]" = Registry(
    "executor",
    at="--executor",
    modules={"process": f"{__package__}.process", "inline": f"{__package__}.inline"},
)
"""Each starts an executor from where its workers run and the folder that takes what they print."""
