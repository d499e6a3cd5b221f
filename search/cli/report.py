"""`hpo report`: a study as one page."""

from ..commands.report.options import ReportOptions
from .common import JsonOption, command, print_json, say, tell


@command
def report(options: ReportOptions, json: JsonOption = False) -> None:
    """Write a study as one HTML page, to keep, send or print.

    It has what was asked, what came out and how sure that is: curves, parameters, pruning, cost, failures, data, the
    winner's test and mistakes, and how to do it again. It needs no network and runs no script.
    """
    from ..commands.report.report import report as write

    written = write(options)
    if json:
        print_json(written.to_json())
        return
    say(f"study {written.study}: {len(written.sections)} sections")
    tell(str(written.path))
