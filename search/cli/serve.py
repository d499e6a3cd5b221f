"""`hpo serve`: an exported model as an HTTP service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import HomeOption, command, say

if TYPE_CHECKING:
    from ...serving.options import Source


@command
def serve(
    target: Annotated[
        str | None,
        typer.Argument(
            help="An export folder, a study's name, or models:/NAME@ALIAS of the MLflow registry. "
            "Default: the export made last.",
        ),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen. Others than loopback need --token-file.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 takes a free one.")] = 8000,
    workers: Annotated[int, typer.Option(help="Server processes.")] = 1,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token that requests must bring.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A further name under which this machine is called; repeat it for more.")
    ] = None,
    max_batch: Annotated[int, typer.Option(help="Images that the model is given at once, at most.")] = 32,
    queue: Annotated[int, typer.Option(help="Images that may wait; past it requests are refused with 503.")] = 64,
    max_body_mb: Annotated[int, typer.Option(help="MiB of one request, at most.")] = 32,
    timeout: Annotated[float, typer.Option(help="Seconds that one request may take.")] = 30.0,
    formats: Annotated[str, typer.Option(help="Image formats that are read.")] = "png,jpeg,gif,webp,bmp",
    challenger: Annotated[str | None, typer.Option(help="Another model, named as the first, to compare with.")] = None,
    share: Annotated[float | None, typer.Option(help="Share of the requests that the challenger answers.")] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Ask the challenger too, and compare; it answers nobody.")
    ] = False,
    log: Annotated[
        str | None,
        typer.Option(help="SQLAlchemy URL of the prediction log, or none. Default: predictions.db beside the export."),
    ] = None,
    false_alarm_every: Annotated[int, typer.Option(help="Predictions per false drift alarm, on average.")] = 10_000,
    keep_days: Annotated[float, typer.Option(help="Days that predictions are kept.")] = 30.0,
    keep_rows: Annotated[int, typer.Option(help="Predictions that are kept, at most.")] = 1_000_000,
    thumbnails: Annotated[float, typer.Option(help="Share of the images that the log keeps.")] = 0.0,
    tracking_uri: Annotated[str | None, typer.Option(help="Where models:/ is looked up. Default: the home's.")] = None,
    home: HomeOption = None,
) -> None:
    """Serve an exported model over HTTP, until Ctrl-C.

    A new export in the same place, or under the same alias, is put in service without a pause.
    """
    from ...serving.monitor.monitor import MakeMonitor
    from ...serving.monitor.options import MonitorOptions
    from ...serving.options import ServeOptions, read_token
    from ...serving.prediction import Forgetful
    from ...serving.workers import run
    from ..devices import available_cores
    from ..serve_source import source

    def of(name: str | None) -> "Source":
        return source(name, home, tracking_uri)

    options = ServeOptions(
        champion=of(target),
        challenger=of(challenger) if challenger is not None else None,
        share=share,
        shadow=shadow,
        host=host,
        port=port,
        workers=workers,
        threads=max(1, available_cores() // max(workers, 1)),
        token=read_token(token_file) if token_file else None,
        allowed_hosts=tuple(name.lower() for name in allow_host or ()),
        max_batch=max_batch,
        queue=queue,
        max_body_mb=max_body_mb,
        timeout_s=timeout,
        formats=tuple(kind.strip().upper() for kind in formats.split(",")),
    )
    watched = MonitorOptions(false_alarm_every, keep_days, keep_rows, thumbnails)
    arms = tuple(arm for arm in (options.champion, options.challenger) if arm is not None)
    run(options, Forgetful if log == "none" else MakeMonitor(arms, watched, log), say)
