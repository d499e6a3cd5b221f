"""Relative paths inside a space are meant from the file that says them."""

import os
from pathlib import Path


def resolved(value: str, base: Path) -> str:
    """`value` as an absolute path from `base` where it looks like a path, else as it is.

    A name such as `cifar10` is no path; a path has a slash, starts with a dot or a tilde, or names a `.py` or `.csv`
    file.
    """
    if "/" in value or value.startswith((".", "~")) or value.endswith(".csv") or ".py:" in value:
        return os.path.normpath(base.absolute() / os.path.expanduser(value))  # noqa: PTH111 (a ~name may be unknown)
    return value
