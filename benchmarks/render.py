"""Results of full runs, rendered into the pages of docs/.

Each between its markers; a test fails until then.

Run `python benchmarks/render.py` after a benchmark.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import RESULTS, Target, table

PAGES = sorted((Path(__file__).resolve().parent.parent / "docs").glob("*.md"))
PLACE = re.compile(r"(<!-- results: ([\w-]+) -->\n).*?(<!-- /results -->)", re.DOTALL)


def rendered(page: str, results: Path = RESULTS) -> str:
    """Return the page with every result filled in from `results`."""
    return PLACE.sub(lambda match: match[1] + section(results / f"{match[2]}.json") + match[3], page)


def section(path: Path) -> str:
    """Return one result as Markdown: table, verdicts, circumstances."""
    if not path.exists():
        return "(not run yet)\n"
    result = json.loads(path.read_text(encoding="utf-8"))
    verdicts = "\n".join(f"- {verdict(target)}" for target in result["targets"])
    parts = (f"{result['title']}:", table(result["rows"]), verdicts, circumstances(result["machine"]))
    return "\n" + "\n\n".join(part for part in parts if part) + "\n\n"


def verdict(stored: Mapping[str, Any]) -> str:
    """Return a target in one line."""
    numbers = {name: float(stored[name]) for name in ("value", "bound")}  # what is not finite is stored as text
    return Target(stored["what"], **numbers, at_most=stored["at_most"]).text().strip()


def circumstances(machine: Mapping[str, Any]) -> str:
    """Describe where, when and how it was run."""
    versions = ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    where = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}"
    load = f"load average at the end {machine['load_average'][0]:.1f}"
    return f"{machine['date']}, {where}, {load}; Python {machine['python']}, {versions}. `{machine['command']}`"


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(rendered(page.read_text(encoding="utf-8")), encoding="utf-8")
