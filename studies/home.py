"""Where everything is kept: the layout of the home directory, in one place."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The home directory (`--home`, HPO_HOME or ./runs) and the paths inside it. Paths are absolute."""

    root: Path

    @classmethod
    def locate(cls, root: Path | None = None) -> "Home":
        """The home the user means: `root` if given, else HPO_HOME, else ./runs."""
        return cls((root or Path(os.environ.get("HPO_HOME") or "runs")).absolute())

    @property
    def storage_url(self) -> str:
        """The default Optuna store, one SQLite file for all studies."""
        return f"sqlite:///{self.root / 'studies.db'}"

    @property
    def tracking_uri(self) -> str:
        """The default MLflow store; never the same database as Optuna's, since both use `alembic_version`."""
        return f"sqlite:///{self.root / 'mlflow.db'}"

    @property
    def artifacts(self) -> Path:
        """MLflow's artifact root."""
        return self.root / "mlartifacts"

    @property
    def attachments(self) -> Path:
        """Files attached to trials, which optuna-dashboard shows."""
        return self.root / "artifacts"

    @property
    def cache(self) -> Path:
        """Packed data sets, one directory per fingerprint."""
        return self.root / "cache"

    def study(self, name: str) -> Path:
        """Everything of one study."""
        return self.root / name

    def trial(self, study: str, number: int) -> Path:
        """Config, checkpoints and metric spool of one trial."""
        return self.study(study) / "trials" / str(number)

    def export(self, study: str) -> Path:
        """The retrained winner, exported and verified."""
        return self.study(study) / "export"
