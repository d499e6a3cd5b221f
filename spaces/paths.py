"""Relative paths in a space, resolved from its own file."""

import os
from pathlib import Path


def resolved(value: str, base: Path) -> str:
    """Return `value` as an absolute path where it looks like one.

    It is meant from `base`; other values are as they are.

    A name such as `cifar10` is no path; a path has a slash, starts with a dot or a tilde, or names a `.py` or `.csv`
    file.
    """
    if "/" in value or value.startswith((".", "~")) or value.endswith(".csv") or ".py:" in value:
        return os.path.normpath(base.absolute() / os.path.expanduser(value))  # noqa: PTH111 (a ~name may be unknown)
    return value
