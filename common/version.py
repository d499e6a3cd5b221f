"""The version of hpo, read in one place.

pyproject.toml, `hpo.__version__`, `hpo --version` and every record of a run read it here.
"""

__version__ = "0.1.0"
