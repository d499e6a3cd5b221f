"""The tree of the repository, one phrase per file: the first sentence of its docstring, comment or heading."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOP = ("common", "search", "serving", "spaces", "studies", "training", "benchmarks", "docs")
KINDS = {".py", ".yaml", ".json", ".md"}
OUTSIDE = {  # folders that are no package, and so have no docstring
    "benchmarks": "Measurements, each a script that runs ours and its peer in turn",
    "benchmarks/curves": "Recorded learning curves, and a space that was made for them",
    "benchmarks/gpu": "A kit for a machine that has a GPU and no network",
    "benchmarks/probe": "What is put into the processes that are measured",
    "benchmarks/sleeping_workers": "A training that sleeps, for workers whose coordinator is measured",
    "docs": "Guides, references, and what writes them",
    "docs/reference": "References, written by docs/generate.py",
}
_SENTENCE_END = r"(?<=[.;])(?<!et al\.)\s"
_LONG = 80  # characters; a longer sentence is cut at its colon,
_NAME = 3  # unless no more than so many words, a name, stand before it
_COLUMN = 34  # where the phrases begin


def folders() -> str:
    """Every folder of code, without its files."""
    return _block(line for top in _tops() for line in _folder(top, 0, files=False))


def front() -> str:
    """The files at the root, which belong to no room."""
    return _block(_line(path.name, _phrase(path), 0) for path in sorted(ROOT.glob("*.py")))


def files(top: str) -> str:
    """Every file of a folder at the root, in its folders."""
    return _block(_folder(ROOT / top, 0, files=True))


def tops() -> tuple[str, ...]:
    """The names of the folders at the root that are described."""
    return tuple(path.name for path in _tops())


def _tops() -> list[Path]:
    return [ROOT / name for name in TOP if (ROOT / name).is_dir()]


def _block(lines: Iterator[str]) -> str:
    return "```text\n" + "\n".join(line.rstrip() for line in lines) + "\n```\n"


def _folder(folder: Path, depth: int, *, files: bool) -> Iterator[str]:
    init = folder / "__init__.py"
    about = _phrase(init) if init.exists() else OUTSIDE[folder.relative_to(ROOT).as_posix()]
    yield _line(f"{folder.name}/", about, depth)
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and _is_read(path):
            yield from _folder(path, depth + 1, files=files)
        elif files and path.suffix in KINDS and path.name != "__init__.py":
            yield _line(path.name, _phrase(path), depth + 1)


def _line(name: str, about: str, depth: int) -> str:
    return f"{'  ' * depth + name:<{_COLUMN}}{about}"


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
        return f"JSON Schema: {json.loads(text)['title']}"
    else:  # the first comment or heading that says something
        headings = (line.lstrip("# ").strip() for line in text.splitlines() if line.startswith("#"))
        text = next((line for line in headings if line and not line.startswith("yaml-language-server")), "")
    sentence = re.split(_SENTENCE_END, text.split("\n\n")[0].replace("\n", " "))[0].rstrip(".:;")
    head = re.split(r":\s", sentence)[0]
    return head if len(sentence) > _LONG and len(head.split()) > _NAME else sentence
