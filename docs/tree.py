"""Writes the tree of files into README.md, one phrase per file: the first sentence of each docstring or comment.

Run `python docs/tree.py` after adding or renaming a file; a test fails until then.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("common", "search", "serving", "spaces", "studies", "training", "benchmarks", "docs")
KINDS = {".py", ".yaml", ".json", ".md"}
_SENTENCE_END = r"(?<=[.;])(?<!et al\.)\s"
_LONG = 80  # characters; a longer sentence is cut at its colon,
_NAME = 3  # unless no more than so many words, a name, stand before it
BEGIN, END = "<!-- tree: python docs/tree.py -->\n", "<!-- /tree -->"


def tree() -> str:
    """The tree as a code block."""
    return "```\n" + "\n".join(line.rstrip() for line in _lines()) + "\n```\n"


def with_tree(readme: str) -> str:
    """The text of a README with its tree brought up to date."""
    start, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:start] + tree() + readme[end:]


def _lines() -> Iterator[str]:
    for path in sorted(ROOT.glob("*.py")):
        yield f"{path.name:<34}{_phrase(path)}"
    for room in ROOMS:
        yield from _folder(ROOT / room, 0)


def _folder(folder: Path, depth: int) -> Iterator[str]:
    init = folder / "__init__.py"
    yield f"{'  ' * depth + folder.name + '/':<34}{_phrase(init) if init.exists() else ''}"
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and _is_read(path):
            yield from _folder(path, depth + 1)
        elif path.suffix in KINDS and path.name != "__init__.py":
            yield f"{'  ' * (depth + 1) + path.name:<34}{_phrase(path)}"


def _is_read(folder: Path) -> bool:
    """Whether people read in it: neither a cache nor what a benchmark has measured."""
    named = folder.name[0].isalpha() and folder.name != "results"
    return named and any(child.suffix in KINDS for child in folder.iterdir())


def _phrase(path: Path) -> str:
    """What the file says of itself first."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    elif path.suffix == ".json":
        return "JSON Schema of space files, printed by `hpo schema`"
    else:  # the first comment or heading that says something
        said = (line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#"))
        text = next((line for line in said if line and not line.startswith("yaml-language-server")), "")
    sentence = re.split(_SENTENCE_END, text.split("\n\n")[0].replace("\n", " "))[0].rstrip(".:;")
    head = re.split(r":\s", sentence)[0]
    return head if len(sentence) > _LONG and len(head.split()) > _NAME else sentence


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_tree(readme.read_text(encoding="utf-8")), encoding="utf-8")
