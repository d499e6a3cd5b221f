"""`hpo estimate`: what a search is worth on images that it did not see."""

from typing import TYPE_CHECKING

import typer

from ..commands.estimate.options import EstimateOptions
from .common import INTERRUPTED, JsonOption, command, print_json, say

if TYPE_CHECKING:
    from ..commands.estimate.estimate import Estimate


@command
def estimate(options: EstimateOptions, json: JsonOption = False) -> None:
    """Estimate what a search is worth: nested cross-validation.

    Each part of the images is the test split of a search of its own, whose winner is retrained and tested there. The
    same command again goes on where it was.
    """
    from ..commands.estimate.estimate import estimate as search_each
    from ..progress.single import watcher as training_watcher
    from .watch import watcher

    result = search_each(options, watcher(json), training_watcher)
    print_json(result.to_json()) if json else _print(result)
    if not result.is_whole:
        say("run the same command again to go on")
        raise typer.Exit(INTERRUPTED)


def _print(result: "Estimate") -> None:
    from ..progress.format import number_of, params_line, with_interval
    from .tables import stdout, unfolded

    console = stdout()
    if result.folds:
        view = unfolded("test fold", "study", "trial", "selected", "test\naccuracy", "images", "parameters")
        for fold in result.folds:
            values = (number_of(fold.selected), number_of(fold.accuracy), f"{fold.images:,}", params_line(fold.params))
            view.add_row(f"{fold.fold}", fold.study, f"{fold.trial}", *values)
        console.print(view)
    if result.accuracy is not None:
        worth = with_interval(result.accuracy, result.interval)
        console.print(f"a search is worth {worth}, the accuracy on images that it did not see")
    if result.optimism is not None:
        missed = "too much" if result.optimism > 0 else "too little"
        by = f"{abs(result.optimism):.4f} {missed}"
        console.print(f"the values that winners were chosen by promised {by} in the mean")
