"""The disk that the checkpoints of paused trials take at most."""

from ....studies.records.strategy import StrategyRecord
from ...progress.format import disk_size


def most_checkpoints(strategy: StrategyRecord, trials: int, workers: int) -> int:
    """How many trials have checkpoints to go on from at once, at most, of a search of `trials` with so many `workers`.

    Of those at a rung that can never be among the best 1/eta of all that will come there, the checkpoints are removed:
    what is left are trials / eta, rounded up, at the first rung, trials / eta^2 at the second and so on, together less
    than trials / (eta - 1) and one for each rung; and those that run.
    """
    if strategy.eta is None:
        return trials
    most = workers
    for number in range(1, len(strategy.rungs) + 1):
        most += -(-trials // int(strategy.eta**number))  # rounded up
    return min(trials, most)


def disk_note(strategy: StrategyRecord, trials: int | None, workers: int, size: int | None) -> str:
    """A line on the disk that paused trials take at most; empty where none pauses.

    `trials` is how many can come to a rung, None where nothing bounds them; `size` are the bytes of a trial's
    checkpoints, None where that is not known.
    """
    if not strategy.rungs:
        return ""
    each = "of unknown size" if size is None else f"of {disk_size(size)}"
    if trials is None:  # any of them may yet be among the best of all that will come
        return (
            f"disk: every paused trial keeps its checkpoints, each {each}; --trials or --max-epochs-total bounds them"
        )
    most = most_checkpoints(strategy, trials, workers)
    total = "" if size is None else f": {disk_size(most * size)} at most"
    return f"disk: checkpoints of at most {most:,} trials at once, paused ones included, each {each}{total}"
