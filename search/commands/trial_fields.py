"""The fields of commands that run trials: how many at once, and how long."""

import re
from functools import partial
from typing import Annotated

from ...errors import SpaceError
from ...studies.waiting import GIVE_UP_S, GRACE_S
from .fields import Flag

_NUMBER = r"(\d+(?:\.\d+)?)"
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?|{_NUMBER}", re.ASCII)  # `2h30` may be minutes


def parse_duration(text: str, flag: str = "--timeout") -> float:
    """Seconds in `2h`, `90m`, `1h30m`, `45s` or `45`, as `flag` was given them.

    Raises:
        SpaceError: it is none of these.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if not match or not any(match.groups()):
        raise SpaceError(f"{flag} must be a duration such as 2h, 1h30m, 90m or 45s, got {text!r}")
    hours, minutes, seconds, bare = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds + bare


def _duration(name: str, help: str, default_s: float | None = None) -> Flag:
    """The flag `name` of a duration."""
    default = None if default_s is None else f"{default_s / 60:g}m"
    return Flag(help, name=name, parse=partial(parse_duration, flag=name), default=default)


def parse_workers(text: str) -> int | None:
    """The number of workers, or None for `auto`.

    Raises:
        SpaceError: it is neither.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise SpaceError(f"--workers must be auto or at least 1, got {text!r}")
    return int(text)


WorkersField = Annotated[
    int | None, Flag("How many trials run at once, or auto: one a GPU or core.", parse=parse_workers, default="auto")
]
SearchDeviceField = Annotated[str, Flag("auto, cpu, cuda, or cuda:0,1.")]
TimeoutField = Annotated[float | None, _duration("--timeout", "Stop after this long, such as 2h or 30m.")]
TrialTimeoutField = Annotated[
    float | None, _duration("--trial-timeout", "Prune a trial that has trained for this long.")
]
PatienceField = Annotated[
    float,
    _duration(
        "--storage-patience", "How long a store that does not answer is waited for, while trials go on.", GIVE_UP_S
    ),
]
GraceField = Annotated[
    float,
    _duration(
        "--grace",
        "How long this command may be silent before others on the study's server take its trials over.",
        GRACE_S,
    ),
]
