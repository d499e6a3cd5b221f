"""The version of hpo, which pyproject.toml, `hpo.__version__`, `hpo --version` and every record of a run read here."""

__version__ = "0.1.0"
