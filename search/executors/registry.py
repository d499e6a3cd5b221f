"""Executors by name."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ...common.registry import Registry

if TYPE_CHECKING:
    from .base import Executor

EXECUTORS: "Registry[Callable[..., Executor]]" = Registry(
    "executor",
    at="--executor",
    modules={
        "process": f"{__package__}.process",
        "inline": f"{__package__}.inline",
        "ray": f"{__package__}.ray.executor",
    },
)
"""Each makes an executor of what its crew has (commands/run/crew.py).

Of the workers on this machine that is where each runs, and the folder that takes what they print.
"""
