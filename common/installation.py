"""Install commands for optional packages, from where hpo itself came.

Another project has the name `hpo` on PyPI.
"""

import json
import re
import shlex
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname


class Extra(NamedTuple):
    """An extra of hpo, and a package that comes with it."""

    name: str
    package: str

    @property
    def installed(self) -> bool:
        """Whether it is there."""
        return find_spec(self.package) is not None


def install_command(extra: str) -> str:
    """Return the command that installs the packages of `extra`, such as "timm".

    From the folder or file that hpo itself came from; where that is gone or was none, the packages by their own names.
    """
    checkout = Path(__file__).parents[1]
    if (checkout / "pyproject.toml").is_file():
        return f"pip install -e {shlex.quote(f'{checkout}[{extra}]')}"
    distribution = metadata.distribution("hpo")
    origin = _origin(distribution)
    if origin is not None and origin.exists():
        return f"pip install {shlex.quote(f'{origin}[{extra}]')}"
    return f"pip install {shlex.join(_requirements(distribution, extra))}"


def _origin(distribution: metadata.Distribution) -> Path | None:
    """Return the folder or archive that was installed (PEP 610).

    None where it was fetched from elsewhere.
    """
    url = urlsplit(json.loads(distribution.read_text("direct_url.json") or "{}").get("url", ""))
    return Path(url2pathname(url.path)) if url.scheme == "file" else None


def _requirements(distribution: metadata.Distribution, extra: str) -> list[str]:
    parts = (requirement.partition(";") for requirement in distribution.requires or ())
    of_extra = re.compile(rf"""\bextra\s*==\s*["']{re.escape(extra)}["']""")
    return [package.strip() for package, _, marker in parts if of_extra.search(marker)]
