"""Choosing the MLflow stores of a study's runs and of its model.

Decided once and kept. The first of these counts:

1. `--tracking-uri`, which names both; `none` leaves MLflow out of this one command;
2. where the study went before, `mlflow.json` in its folder;
3. MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI, as MLflow understands them;
4. `mlflow.db` in the home.

A line tells the user of a choice that is not the home's own, and of a variable that is set and not followed.
"""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ....common.bounded import JSON_BYTES, read_bytes
from ....common.masking import is_masked, masked
from ....common.sqlite_url import absolute_url
from ....common.trust import is_on_record, put_on_record
from ....errors import StudyError
from ...files import write_json
from ...home import Home
from ...study_name import is_study_name
from .moved_home import follow_home

TRACKING, REGISTRY = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"

_HOME = "home"  # stands in mlflow.json for the home's own file, so that a home can be moved


class Stores(NamedTuple):
    """The URIs of a tracking store and a registry; `str` masks passwords."""

    tracking: str
    registry: str

    @classmethod
    def at(cls, uri: str) -> "Stores":
        """Return stores that are both at `uri`."""
        return cls(uri, uri)

    def __str__(self) -> str:
        models = "" if self.registry == self.tracking else f", models at {masked(self.registry)}"
        return masked(self.tracking) + models


def choose_stores(uri: str | None, home: Home, study: str | None, note: Callable[[str], None]) -> Stores | None:
    """Return the stores of `study`, None where `uri` is "none".

    The home's own is ready to be used then, also where the home was moved.

    Args:
        uri: as given by `--tracking-uri`.
        home: where the study is kept.
        study: its name, or None to ask for the stores of the home.
        note: gets a line on what was decided, where that is not the home's own store.

    Raises:
        StudyError: the study went to a store whose password is not kept, or one that this account has never sent
            anything to (a home may come from somebody else), and nothing names it now.
    """
    chosen = None if uri == "none" else _choose(uri, home, study, note)
    if chosen and home.tracking_uri in chosen:
        try:
            follow_home(home)
        except StudyError as error:  # no search waits for MLflow, or ends with it
            note(str(error))
    return chosen


def _choose(uri: str | None, home: Home, study: str | None, note: Callable[[str], None]) -> Stores:
    named, variables = _named(home), " and ".join(name for name in (TRACKING, REGISTRY) if os.environ.get(name))
    kept = kept_stores(home, study) if study and not uri else None
    if uri:
        chosen, reason = Stores.at(absolute_url(uri)), "--tracking-uri is given"
    elif kept:
        chosen = _with_passwords(kept, named, study)
        _require_used(chosen, home, named, study)
        reason = f"study {study} is kept at {chosen}; --tracking-uri URI sends it elsewhere"
        if chosen != Stores.at(home.tracking_uri) and chosen != named:
            note(f"MLflow: {chosen}, where study {study} is kept")
    elif named:
        note(f"MLflow: {named} ({variables})")
        return named
    else:
        return Stores.at(home.tracking_uri)
    if named and named != chosen:
        note(f"{variables} ({named}) is not followed: {reason}")
    return chosen


def kept_stores(home: Home, study: str) -> Stores | None:
    """Return the stores that `study` was sent to, None if never.

    Passwords are `***`.

    Raises:
        StudyError: the file that says so cannot be read.
    """
    path = _path(home, study)
    try:
        kept = json.loads(read_bytes(path, JSON_BYTES))
        uris = [str(kept[key]) for key in Stores._fields]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path}: cannot be read ({error}); --tracking-uri says where the study goes") from error
    return Stores(*(home.tracking_uri if uri == _HOME else uri for uri in uris))


def keep_stores(home: Home, study: str, stores: Stores) -> None:
    """Keep the stores of `study` in its folder, without passwords.

    Raises:
        StudyError: the home cannot be written.
    """
    for uri in stores:
        if uri != home.tracking_uri:  # see `_require_used`
            put_on_record(_digest(uri), f"studies go to {masked(uri)}")
    uris = (_HOME if uri == home.tracking_uri else masked(uri) for uri in stores)
    write_json(_path(home, study), dict(zip(Stores._fields, uris, strict=True)))


def newest_kept(home: Home) -> str | None:
    """Return the study of `home` that was sent to MLflow last, None if none was."""
    return max(tracked_studies(home), key=lambda study: _path(home, study).stat().st_mtime, default=None)


def tracked_studies(home: Home) -> list[str]:
    """Return the studies of `home` that go to MLflow, sorted."""
    return sorted(path.parent.name for path in home.root.glob("*/mlflow.json") if is_study_name(path.parent.name))


def _named(home: Home) -> Stores | None:
    """Return the stores that the environment names, None where it names none.

    `mlflow.set_tracking_uri` in a user's notebook sets the variable, too.
    """
    tracking, registry = os.environ.get(TRACKING), os.environ.get(REGISTRY)
    if not tracking and not registry:
        return None
    uri = absolute_url(tracking) if tracking else home.tracking_uri
    return Stores(uri, absolute_url(registry) if registry else uri)


def _with_passwords(kept: Stores, named: Stores | None, study: str | None) -> Stores:
    """Return `kept`, with the passwords of the environment where they are missing."""
    if named and [*map(masked, named)] == list(kept):
        return named
    if any(map(is_masked, kept)):
        raise StudyError(
            f"study {study} is kept at {kept}, and passwords are not written down\n"
            f"  name it with its password by {TRACKING} or --tracking-uri"
        )
    return kept


def _require_used(kept: Stores, home: Home, named: Stores | None, study: str | None) -> None:
    """Refuse stores that are named by a file of the home alone.

    The home may be somebody else's. Stores that this account has sent to before are on record.
    """
    foreign = [uri for uri in kept if uri != home.tracking_uri and not is_on_record(_digest(uri))]
    if foreign and kept != named:
        raise StudyError(
            f"study {study} says that it goes to {masked(foreign[0])}, where you have sent nothing yet\n"
            f"  --tracking-uri {masked(foreign[0])} sends it there"
        )


def _digest(uri: str) -> str:
    return hashlib.sha256(f"MLflow at {masked(uri)}".encode()).hexdigest()


def _path(home: Home, study: str) -> Path:
    return home.study(study) / "mlflow.json"
