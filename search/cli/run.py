"""`hpo run`: search."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from ..commands.run.options import RunOptions
from .common import INTERRUPTED, JsonOption, command, print_json, say, tell

if TYPE_CHECKING:
    from ..commands.run.run import RunResult

WORK_FAILED = 1


@command
def run(options: RunOptions, json: JsonOption = False) -> None:
    """Search for the best configuration of a space.

    Run it again to continue the study: --trials and --max-epochs-total are the totals it should reach.
    """
    from ..commands.run.run import run as search
    from .watch import watcher

    result = search(options, watcher(json))
    if json:
        print_json(result.to_json())
    _tell_result(result, say if json else tell)  # under --json standard output is for the object alone
    raise typer.Exit(_exit_code(result))


def _tell_result(result: "RunResult", tell: Callable[[str], None]) -> None:
    from ..progress.audit import audit_line
    from ..progress.best import best_lines
    from ..progress.counted import counted
    from ..progress.format import duration
    from ..progress.gain import gain
    from ..progress.rungs import furthest_line, rungs_line

    summary = result.study
    tell(f"study {summary.study} {result.outcome}: {counted(summary)} in {duration(summary.wall_s)}")
    if summary.best is not None:
        for text in best_lines(summary, named=True):
            tell(text)
    elif (furthest := summary.furthest) is not None:
        tell(furthest_line(furthest))
    if climbed := rungs_line(summary.rungs):
        tell(climbed)
    if gained := gain(summary):
        tell(gained)
    if summary.audit is not None:
        tell(audit_line(summary.audit))
    if summary.passed_over:
        tell(summary.passed_over_line)
    if result.unsent:
        say(f"{result.unsent} events have not reached MLflow; the next command on the study sends them")
    if result.outcome.value in ("timed out", "interrupted"):
        say("run the same command again to go on")
    elif result.outcome.value in _MORE:
        say(f"with {_MORE[result.outcome.value]} it goes on")


_MORE = {"out of epochs": "a larger --max-epochs-total", "at its target": "a further --until"}
"""What a search that has ended needs in order to go on."""


def _exit_code(result: "RunResult") -> int:
    from ..loop.goal import Outcome

    if result.outcome is Outcome.INTERRUPTED:
        return INTERRUPTED
    # every trial has ended, and none is of use
    has_some = result.study.best is not None or result.study.furthest is not None
    return WORK_FAILED if result.outcome.is_final and not has_some else 0
