"""`hpo check` and `hpo schema`: the space language, without a search."""

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..commands.check.options import CheckOptions
from ..commands.schema.options import SchemaOptions
from .common import JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ...spaces.describe import Description
    from ...spaces.space import SearchSpace


@command
def check(options: CheckOptions, json: JsonOption = False) -> None:
    """Check a space file, and list its dimensions, branches and size."""
    from ...spaces.describe import describe
    from ...spaces.load import load_space
    from ..configuration.space_file import SpaceFile
    from ..resolve.data import data_source

    # as JSON, which is YAML: a folder may be called `a: b`
    source = [f"data.source={dumps(data_source(options.data))}"] if options.data else []
    loaded = load_space(options.space, SpaceFile, [*options.overrides, *source])
    description = describe(loaded)
    if options.data:
        _try_models(loaded, options.data_root, options.home)
    if json:
        print_json(_as_json(description))
    else:
        _show(description)


@command
def schema(options: SchemaOptions) -> None:
    """Print the JSON Schema of space files.

    Editors complete and check space files by it.
    """
    from ...spaces.schema import schema_text
    from ...studies.files import write_text
    from ..configuration.space_file import SpaceFile

    text = schema_text(SpaceFile)
    out = options.out
    if out is None:
        print(text, end="")
        return
    write_text(out, text)
    say(f"{out}: begin a space file with `# yaml-language-server: $schema={out.name}`")


def _try_models(space: "SearchSpace", data_root: Path | None, home: Path | None) -> None:
    """Pack the data and try the models, as a search begins.

    Raises:
        HpoError: the data or a model is wrong.
    """
    from ...studies.home import Home
    from ..configuration.example import example_config
    from ..configuration.models_to_try import models_to_try
    from ..executors.preflight import preflight
    from ..resolve.trust import name_space
    from .watch import watcher

    name_space(space, say)
    models, home_folder = models_to_try(space), Home.locate(home)
    home_folder.create(say)
    preflight(
        example_config(space),
        models=models,
        cache=home_folder.cache,
        data_root=data_root,
        cards=[],  # on the CPU: whether a model fits its images does not depend on a card
        threads=1,
        progress=watcher().stage,
    )
    say(f"{len(models)} models tried and exported" if models else "the models are hpo's own: they fit any images")


def _as_json(description: "Description") -> dict[str, Any]:
    from dataclasses import asdict
    from math import isinf

    # JSON has no infinity: a continuum is null
    return {**asdict(description), "size": None if isinf(description.size) else int(description.size)}


def _show(description: "Description") -> None:
    from math import isinf

    from .tables import stdout, table

    size = "a continuum of" if isinf(description.size) else f"{int(description.size):,}"
    console = stdout()
    count = len(description.dimensions)
    console.print(f"space {description.name}: {count} dimensions, {size} configurations")
    view = table("dimension", "values", "prior", "confidence", "only where")
    for dimension in description.dimensions:
        view.add_row(dimension.key, dimension.values, dimension.prior, dimension.confidence, dimension.when)
    console.print(view)
    fixed = table("fixed", "")
    for key, value in description.fixed:
        fixed.add_row(key, value)
    console.print(fixed)
    if description.apart:
        search = table("search", "")
        for key, value in description.apart:
            search.add_row(key, value)
        console.print(search)
    if description.forbidden:
        forbidden = table("forbidden")
        for words in description.forbidden:
            forbidden.add_row(words)
        console.print(forbidden)
    for warning in description.warnings:
        prefix = f"{warning.key}: " if warning.key else ""  # else it is about the whole space
        console.print(f"note: {prefix}{warning.text}")
