"""The errors a user can cause, as one tree.

    HpoError
    ├── SpaceError      a space file, a --set value or a flag says something that cannot be
    ├── DataError       images, labels or splits are missing, broken or not what was asked for
    ├── StudyError      a study is missing, belongs to another space, or its store cannot be opened
    ├── TrainingError   a configuration cannot be trained (unknown model, wrong arguments)
    ├── ExportError     an exported model does not verify
    ├── MachineError    files of hpo's own went away, or cannot be written, while work was under way
    ├── TrustError      something would run code that is not this account's, and nobody allowed it
    └── ServeError      a model cannot be served

A message states the law, the value and the place, in at most three lines. Anything that is not an HpoError is a bug
and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches

from .common.display import visible


class HpoError(Exception):
    """An error whose message is written for the user.

    The command line prints it without a traceback.

    `exit_code` is what the command line exits with: 2 where the input is wrong, 1 where the work failed.
    """

    # note: shells, CI and schedulers tell 1 from 2: after a 1 the same command may succeed later, after a 2 never
    exit_code = 2


class SpaceError(HpoError):
    """A forbidden value in a space, an override or a flag.

    A space file, a `--set` value or a flag says something that cannot be.
    """


class DataError(HpoError):
    """Missing, broken or unexpected images, labels or splits."""


class StudyError(HpoError):
    """A missing study, one of another space, or an unusable store."""


class TrainingError(HpoError):
    """A configuration that cannot be trained.

    For example an unknown model, or arguments that it does not take.
    """


class MachineError(HpoError):
    """Files of hpo's own that went away, or cannot be read or written.

    A disk is full, a folder read-only, a share gone: nothing that the work at hand is to blame for.
    """

    exit_code = 1


class ExportError(HpoError):
    """An exported model that does not verify."""

    exit_code = 1


class TrustError(HpoError):
    """A refusal to run code that nobody vouches for.

    Something would run code that this account's hpo neither made nor was told to run, and `--trust` is not given.
    """


class ServeError(HpoError):
    """A model that cannot be served."""

    exit_code = 1


def nearest(value: str, choices: Iterable[str]) -> str:
    """Return the hint that ends an error about an unknown name.

    It is the near match, or every choice where none is near.

    >>> nearest("adamv", ["sgd", "adamw"])
    'did you mean adamw?'
    >>> nearest("x", ["sgd", "adamw"])
    'choose from adamw, sgd'
    """
    names = sorted({visible(choice) for choice in choices})
    # difflib's default cutoff of 0.6 still finds a name of four letters with one letter wrong
    close = get_close_matches(value, names, n=1)
    return f"did you mean {close[0]}?" if close else f"choose from {', '.join(names)}"
