"""Writes what benchmarks/results holds into docs/benchmarks.md: `python benchmarks/render.py`."""

import json
import re
from pathlib import Path
from typing import Any

from harness import RESULTS, Target, table

DOC = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
_BLOCK = re.compile(r"(<!-- results: (\w+) -->\n).*?(<!-- /results -->)", re.DOTALL)
_TARGET = ("what", "value", "bound", "at_most")


def rendered(document: str, results: Path = RESULTS) -> str:
    """The document with every block `<!-- results: NAME -->` filled from NAME.json."""
    return _BLOCK.sub(lambda block: block[1] + _lines(results / f"{block[2]}.json") + block[3], document)


def _lines(path: Path) -> str:
    if not path.exists():
        return "Not measured yet.\n\n"
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    machine = result["machine"]
    said = f"{result['title']}. {machine['processor']}, {machine['cores']} cores, {machine['date']}."
    targets = (Target(**{name: target[name] for name in _TARGET}) for target in result["targets"])
    verdicts = "\n".join(f"    {target.text()}" for target in targets)
    return f"{said}\n\n{table(result['rows'])}\n\n{verdicts}\n\n"


if __name__ == "__main__":
    DOC.write_text(rendered(DOC.read_text(encoding="utf-8")), encoding="utf-8")
