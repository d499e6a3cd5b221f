"""`hpo serve`: an exported model as an HTTP service."""

from typing import TYPE_CHECKING, Annotated

import typer

from ...serving.flags import ServeFlags
from .common import HomeOption, command, say
from .flags import with_flags

if TYPE_CHECKING:
    from ...serving.options import Source


@command
@with_flags(ServeFlags)
def serve(
    flags: ServeFlags,
    target: Annotated[
        str | None,
        typer.Argument(
            help="An export folder, a study's name, or models:/NAME@ALIAS of the MLflow registry. "
            "Default: the export made last.",
        ),
    ] = None,
    tracking_uri: Annotated[
        str | None, typer.Option(help="Where models:/ is looked up. Default: where the study is.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Serve an exported model over HTTP, until Ctrl-C.

    A new export in the same place, or under the same alias, is put in service without a pause.
    """
    from ...serving.start import start
    from ..resolve.served import source

    def find(name: str | None) -> "Source":
        return source(name, home, tracking_uri)

    start(flags, find(target), find, say)
