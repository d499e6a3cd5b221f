"""Harmless attacks: each leaves a mark, a file, where the code that it brings is run."""

import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.training.export.manifest import ExportManifest, describe_files

Content = dict[str, bytes]


class _Mark:
    """Writes the mark where it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (_code(self._mark),)


def pickled_weight(program: Path, mark: Path) -> None:
    """Say of a weight of model.pt2 that it is a pickle; torch reads it as one, without a limit."""

    def change(content: Content) -> None:
        name = next(name for name in content if name.endswith("weights_config.json"))
        config = json.loads(content[name])
        weight = next(iter(config["config"].values()))
        weight["use_pickle"] = True
        content[f"{name.rpartition('/')[0]}/{weight['path_name']}"] = pickle.dumps(_Mark(mark))
        content[name] = json.dumps(config).encode()

    _rewrite(program, change)


def expression(program: Path, mark: Path) -> None:
    """Put code in the place of a size of model.pt2; sympy evaluates it while torch rebuilds the program."""

    def change(content: Content) -> None:
        name = next(name for name in content if "/models/" in name and name.endswith(".json"))
        graph = json.loads(content[name], object_hook=lambda part: _with_code(part, mark))
        content[name] = json.dumps(graph).encode()

    _rewrite(program, change)


def described(folder: Path) -> None:
    """Let the manifest of an export describe its files as they are now, as whoever changes one would."""
    manifest = ExportManifest.read(folder)
    manifest.model_copy(update={"files": {**describe_files(folder)}}).write(folder)


def _with_code(part: dict[str, Any], mark: Path) -> dict[str, Any]:
    return {**part, "expr_str": _code(mark)} if "expr_str" in part else part


def _code(mark: Path) -> str:
    return f"open({str(mark)!r}, 'w').write('ran')"


def _rewrite(path: Path, change: Callable[[Content], None]) -> None:
    with zipfile.ZipFile(path) as old:
        content = {name: old.read(name) for name in old.namelist()}
    change(content)
    with zipfile.ZipFile(path, "w") as new:
        for name, data in content.items():
            new.writestr(name, data)
