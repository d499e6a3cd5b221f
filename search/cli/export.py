"""`hpo export`: a trained model in further formats, each tested, measured and compared."""

from pathlib import Path
from typing import Annotated

import typer

from ...common.display import visible
from .common import (
    FORMATS,
    DataRootOption,
    HomeOption,
    JsonOption,
    StorageOption,
    TrustOption,
    command,
    print_json,
    say_error,
)


@command
def export(
    model: Annotated[
        str,
        typer.Argument(help="A study that was retrained, or a folder of hpo retrain-best or hpo train."),
    ],
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", help=f"Some of {FORMATS}; repeatable, or with commas between. Default: all."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the export goes. Default: in place; for a run, its folder export.")
    ] = None,
    data_root: DataRootOption = None,
    storage: StorageOption = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="Where a study's export is registered, or none. Default: where the study is.")
    ] = None,
    home: HomeOption = None,
    trust: TrustOption = False,
    json: JsonOption = False,
) -> None:
    """Bring a trained model into further formats; test, measure and judge each.

    The test split is opened once for all formats that were not tested yet, and the opening is counted.
    """
    from contextlib import closing

    from ..commands.export.export import ExportOptions
    from ..commands.export.export import export as export_model
    from ..progress.single import watcher

    wishes = tuple(format_ or ("all",))
    options = ExportOptions(model, wishes, out, data_root, storage, tracking_uri, home, trust)
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
