"""The errors a user can cause, as one tree.

    HpoError
    ├── SpaceError      a space file, a --set value or a flag says something that cannot be
    ├── DataError       images, labels or splits are missing, broken or not what was asked for
    ├── StudyError      a study is missing, belongs to another space, or its store cannot be opened
    ├── TrainingError   a configuration cannot be trained (unknown model, wrong arguments)
    ├── ExportError     an exported model does not verify
    ├── TrustError      something would run code that is not this account's, and nobody allowed it
    └── ServeError      a model cannot be served

A message states the law, the value and the place, in at most three lines. Anything that is not an HpoError is a bug
and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from .common.display import visible


class HpoError(Exception):
    """An error whose message is written for the user; the command line prints it without a traceback.

    `exit_code` is what the command line exits with: 2 where the input is wrong, 1 where the work failed.
    """

    exit_code = 2


class SpaceError(HpoError):
    """A space file, a `--set` value or a flag says something that cannot be."""


class DataError(HpoError):
    """Images, labels or splits are missing, broken or not what was asked for."""


class StudyError(HpoError):
    """A study is missing, belongs to another space, or its store cannot be opened."""


class TrainingError(HpoError):
    """A configuration cannot be trained: an unknown model, arguments it does not take."""


class ExportError(HpoError):
    """An exported model does not verify."""

    exit_code = 1


class TrustError(HpoError):
    """Something would run code that this account's hpo neither made nor was told to run, and `--trust` is not given."""


class ServeError(HpoError):
    """A model cannot be served."""

    exit_code = 1


def nearest(value: str, choices: Iterable[str]) -> str:
    """The tail of an error about an unknown name: the near match, or every choice where none is near.

    >>> nearest("adamv", ["sgd", "adamw"])
    'did you mean adamw?'
    >>> nearest("x", ["sgd", "adamw"])
    'choose from adamw, sgd'
    """
    known = sorted({visible(choice) for choice in choices})
    close = get_close_matches(value, known, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(known)}"
