"""`hpo export`: a trained model in further formats, tested and measured."""

import typer

from ...common.display import visible
from ..commands.export.options import ExportOptions
from .common import JsonOption, command, print_json, say_error


@command
def export(options: ExportOptions, json: JsonOption = False) -> None:
    """Bring a trained model into further formats; test, measure and judge each.

    The test split is opened once for all formats that were not tested yet, and the opening is counted.
    """
    from contextlib import closing

    from ..commands.export.export import export as export_model
    from ..progress.single import watcher

    with closing(watcher()) as view:
        outcome = export_model(options, view)
    if json:
        print_json(outcome.to_json())
    else:
        from .format_table import print_formats

        print_formats(outcome.manifest)
        print(visible(str(outcome.export_dir)))
    if outcome.registry_error:
        say_error(outcome.registry_error)
    if outcome.registry_error or outcome.manifest.failed_formats:
        raise typer.Exit(1)
