"""The values that a shell completes after a flag.

They are found without torch, Optuna or a database, since a shell asks at every key.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import typer


def studies(context: typer.Context, incomplete: str) -> list[str]:
    """The studies of the home, by their folders."""
    from ...studies.home import Home
    from ...studies.study_name import is_study_name

    study_files = Home.locate(context.params.get("home")).root.glob("*/study.json")
    return _that_begin(incomplete, filter(is_study_name, (path.parent.name for path in study_files)))


def spaces(incomplete: str) -> list[str]:
    """The bundled spaces, and space files."""
    from ...spaces.find import bundled

    # a Path drops the slash at the end, which says that the folder is meant
    folder = Path(incomplete) if incomplete.endswith("/") else Path(incomplete).parent
    files = (path for path in folder.glob("*") if path.suffix in (".yaml", ".yml") or path.is_dir())
    return _that_begin(incomplete, [*bundled(), *(f"{path}/" if path.is_dir() else str(path) for path in files)])


def settings(context: typer.Context, incomplete: str) -> list[str]:
    """The keys of `--set`, through the branches of the space named before."""
    from ...errors import SpaceError
    from ...spaces.document import parse_file
    from ...spaces.fields import Section
    from ...spaces.find import find
    from ...spaces.keys import keys
    from ..configuration.space_file import SpaceFile

    root = None
    with suppress(SpaceError):  # a space that is missing or wrong: the keys of the configuration alone
        source = find(context.params.get("space") or "")
        root = parse_file(source.text, source.location)
    return _that_begin(incomplete, (f"{key}=" for key in keys(Section(SpaceFile), root)))


def models(incomplete: str) -> list[str]:
    """hpo's own models and the libraries."""
    from ...training.models.config import SECTIONS

    return _that_begin(incomplete, SECTIONS)


def samplers(incomplete: str) -> list[str]:
    """The samplers that have a name."""
    from ..strategy.samplers.registry import SAMPLERS

    return _that_begin(incomplete, SAMPLERS)


def pruners(incomplete: str) -> list[str]:
    """The pruners."""
    from ..strategy.schedulers.registry import SCHEDULERS

    return _that_begin(incomplete, SCHEDULERS)


def _that_begin(incomplete: str, names: Iterable[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
