"""The layout of the home directory, and who may read it.

A home may come from somebody else. So a study's name becomes a path here alone, checked each time whether it was typed
or read from a store, and no folder of a home may be a link that leads out of it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..common.private import make_private_folder, readable_by_others
from ..errors import StudyError
from .study_name import refusal


@dataclass(frozen=True, slots=True)
class Home:
    """The home directory (`--home`, HPO_HOME or ./runs) and the paths inside it.

    Paths are absolute.

    Raises (in every property and method that gives a path to write to):
        StudyError: the path is, or lies behind, a link that leads out of the home.
    """

    root: Path

    @classmethod
    def locate(cls, root: Path | None = None) -> "Home":
        """The user's home: `root` if given, else HPO_HOME, else ./runs.

        Raises:
            StudyError: its path is not text, so that no URL can name it.
        """
        # not resolved: the home itself may be a link, to a larger disk for instance
        path = (root or Path(os.environ.get("HPO_HOME") or "runs")).absolute()
        try:
            str(path).encode()  # a name of other bytes is a str with surrogates, which this refuses
        except UnicodeEncodeError as error:
            raise StudyError(
                f"--home {path}: a path must be UTF-8 text to stand in a URL; rename the folder"
            ) from error
        return cls(path)

    def create(self, note: Callable[[str], None]) -> None:
        """Make the home where there is none, for its owner alone (0700).

        One that exists keeps its mode; `note` gets a line where others can look into it.

        Raises:
            StudyError: it cannot be made.
        """
        try:
            make_private_folder(self.root)
            if readable_by_others(self.root):
                note(f"{self.root} is open to other users of this machine; chmod 700 {self.root} closes it")
        except OSError as error:
            raise StudyError(f"--home {self.root}: cannot be made: {error.strerror}") from error

    def contains(self, path: Path) -> bool:
        """Whether `path` lies in the home, links followed."""
        return path.resolve().is_relative_to(self.root.resolve())

    @property
    def storage_file(self) -> Path:
        """The file of the default Optuna store."""
        return self._inside("studies.db")

    @property
    def storage_url(self) -> str:
        """The default Optuna store, one SQLite file for all studies."""
        return self._url("studies.db")

    @property
    def tracking_uri(self) -> str:
        """The default MLflow store."""
        # never the same database as Optuna's: both keep their schema version in a table `alembic_version`
        return self._url("mlflow.db")

    @property
    def artifacts(self) -> Path:
        """MLflow's artifact root."""
        return self._inside("mlartifacts")

    @property
    def attachments(self) -> Path:
        """Files attached to trials, which optuna-dashboard shows."""
        return self._inside("artifacts")

    @property
    def cache(self) -> Path:
        """Packed data sets, one directory per fingerprint."""
        return self._inside("cache")

    @property
    def served(self) -> Path:
        """Exports that were fetched from a model registry."""
        return self._inside("served")

    @property
    def single_runs(self) -> Path:
        """The runs of `hpo train`."""
        return self._inside("train")

    def study(self, name: str, *parts: str) -> Path:
        """The folder of one study, or the path `parts` in it.

        Raises:
            StudyError: no study may be called so, see `study_name`.
        """
        if refused := refusal(name):
            raise StudyError(f"a study's name {refused}")
        return self._inside(name, *parts)

    def models(self, study: str) -> Path:
        """The copies of users' model files in a study, a folder each."""
        return self.study(study, "models")

    def trial(self, study: str, number: int) -> Path:
        """Config, checkpoints and metric spool of one trial.

        Raises:
            StudyError: as `study`, or `number`, which a store may hold as any text, is no number.
        """
        # SQLite keeps texts in a column of numbers: `../../x` must not become a path
        if not isinstance(number, int) or number < 0:
            raise StudyError(f"a trial of study {study!r} must have a number, got {number!r}")
        return self.study(study, "trials", str(number))

    def export(self, study: str) -> Path:
        """The retrained winner, exported and verified."""
        return self.study(study, "export")

    def _url(self, file: str) -> str:
        from ..common.sqlite_url import sqlite_url  # brings SQLAlchemy, which whoever asks for a folder has no use for

        return sqlite_url(self._inside(file))

    def _inside(self, *parts: str) -> Path:
        path = self.root.joinpath(*parts)
        # a home from somebody else may hold links, through which a study would overwrite files of the user
        if not self.contains(path):
            raise StudyError(
                f"{path} is a link out of the home, to {path.resolve()}, where nothing is written\n"
                f"  make {self.root} itself the link, or --home a folder there"
            )
        return path
