"""`hpo serve`: an exported model as an HTTP service."""

from typing import TYPE_CHECKING

from ...serving.flags import ServeFlags
from ..commands.serve.options import ServedOptions
from .common import command, say

if TYPE_CHECKING:
    from ...serving.options import Source


@command
def serve(flags: ServeFlags, options: ServedOptions) -> None:
    """Serve an exported model over HTTP, until Ctrl-C.

    A new export in the same place, or under the same alias, is put in service without a pause.
    """
    from ...serving.start import start
    from ..resolve.served import source

    # for a challenger, too, which is named by a flag of its own
    def find(name: str | None) -> "Source":
        return source(name, options.home, options.tracking_uri)

    start(flags, find(options.target), find, say)
