"""Writes every page of docs/ that is made from the code: the map of the house and the three references.

Run `python docs/generate.py` (or `make docs`) after a change of a file's first line, a flag, a key of the configuration
or a public name; a test fails until then.
"""

from pathlib import Path

from generators import commands, configuration, house, python

DOCS = Path(__file__).resolve().parent
MAKERS = {
    "house.md": house.page,
    "reference/commands.md": commands.page,
    "reference/configuration.md": configuration.page,
    "reference/python.md": python.page,
}


def pages() -> dict[Path, str]:
    """The text that each generated page should have."""
    return {DOCS / name: make() for name, make in MAKERS.items()}


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
