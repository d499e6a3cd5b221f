"""`hpo extend`: trials that go on with more epochs."""

from typing import TYPE_CHECKING

import typer

from ..commands.extend.options import ExtendOptions
from .common import INTERRUPTED, JsonOption, command, print_json, say, tell

if TYPE_CHECKING:
    from ..commands.extend.extend import ExtendResult

WORK_FAILED = 1


@command
def extend(options: ExtendOptions, json: JsonOption = False) -> None:
    """Train the best trials of a study, or some by number, with more epochs.

    Each goes on as a new trial of the study, which no pruner stops. The same command again goes on where it was.
    """
    from ..commands.extend.extend import extend as extend_trials
    from .watch import watcher

    result = extend_trials(options, watcher(json))
    print_json(result.to_json()) if json else _tell(result)
    if result.outcome.value in ("timed out", "interrupted"):
        say("run the same command again to go on")
    raise typer.Exit(_exit_code(result))


def _tell(result: "ExtendResult") -> None:
    from ..progress.format import number_of

    metric = result.study.metric
    tell(f"study {result.study.study}, {metric} before and after:")
    for before, after in result.pairs:
        was = number_of(before.value if before.value is not None else before.curve[max(before.curve)])
        now = after.state if after.value is None else number_of(after.value)
        epochs = f"{before.epochs} -> {after.epochs} of {after.planned_epochs} epochs"
        tell(f"  trial {before.number} -> trial {after.number}: {was} -> {now}, {epochs}")
    if (best := result.study.best) is not None:
        tell(f"best {metric} {number_of(best.value)}, trial {best.number}")
    if result.unsent:
        say(f"{result.unsent} events have not reached MLflow; the next command on the study sends them")


def _exit_code(result: "ExtendResult") -> int:
    from ..loop.goal import Outcome

    if result.outcome is Outcome.INTERRUPTED:
        return INTERRUPTED
    has_failed = all(after.state == "failed" for _, after in result.pairs)
    return WORK_FAILED if result.outcome.is_final and has_failed else 0
