"""The command line: `hpo`. Each command imports what it needs when it runs, so that `hpo --help` is instant."""

from .app import main

__all__ = ["main"]
