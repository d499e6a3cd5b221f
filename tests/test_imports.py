"""No circle of imports: neither at the top of a file, nor late in a function, nor for the type checkers alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("common", "search", "serving", "spaces", "studies", "training")


def test_no_module_comes_back_to_itself() -> None:
    modules = {_name(path): path for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    modules["hpo.errors"] = ROOT / "errors.py"
    graph = {name: set(_imports(name, path, modules)) - {name} for name, path in modules.items()}
    left = dict(graph)
    while free := [name for name, wanted in left.items() if not wanted & left.keys()]:
        for name in free:
            del left[name]
    while unused := [name for name in left if not any(name in wanted for wanted in left.values())]:
        for name in unused:
            del left[name]
    assert not left, {name: sorted(left[name] & left.keys()) for name in left}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("hpo", *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _imports(name: str, path: Path, modules: dict[str, Path]) -> Iterator[str]:
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(filter(None, (*package[: len(package) - node.level + 1], node.module)))
            for alias in node.names:
                yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in modules else base
