"""docs/house.md: its generated parts put between the markers of the hand-written page."""

import tomllib

from . import tree

PAGE = tree.ROOT / "docs" / "house.md"


def page() -> str:
    """The page with its generated parts brought up to date."""
    text = PAGE.read_text(encoding="utf-8")
    parts = {"rules": _rules(), "folders": tree.folders(), "files": _files()}
    for name, part in parts.items():
        text = _between(text, name, part)
    return text


def _between(text: str, name: str, part: str) -> str:
    """`text` with `part` between the markers `name`."""
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- /{name} -->")
    return f"{before}<!-- {name} -->\n\n{part}\n<!-- /{name} -->{after}"


def _rules() -> str:
    """The contracts that import-linter checks, by their names."""
    contracts = tomllib.loads((tree.ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return "".join(f"- {contract['name']}\n" for contract in contracts)


def _files() -> str:
    rooms = "".join(f"\n### {name}/\n\n{tree.files(name)}" for name in tree.tops())
    return f"### At the root\n\n{tree.front()}{rooms}"
