"""The disk that the checkpoints of paused trials take at most."""

from itertools import accumulate, islice
from math import ceil, inf, isfinite

from ....studies.records.strategy import StrategyRecord
from ...progress.format import disk_size


def most_checkpoints(strategy: StrategyRecord, trials: int, workers: int) -> int:
    """How many trials have checkpoints to go on from at once, at most, of a search of `trials` with so many `workers`.

    Of those at a rung that can never be among the best of all that will come there, the checkpoints are removed. Where
    one in four passes each rung, what is left are a quarter of the trials at the first, rounded up, a quarter of these
    at the second and so on; and those that run.
    """
    if not strategy.one_in:
        return trials
    passing = accumulate(strategy.one_in, lambda trials, one_in: ceil(trials / one_in), initial=trials)
    return min(trials, workers + sum(islice(passing, 1, None)))


def disk_note(
    strategy: StrategyRecord, trials: int | None, workers: int, size: int | None, configurations: float = inf
) -> str:
    """A line on the disk that paused trials take at most; empty where none pauses.

    `trials` is how many can come to a rung, None where nothing bounds them; `size` are the bytes of a trial's
    checkpoints, None where that is not known. `configurations` is how many there are to try: where there are no more
    than trials, any of them may go on.
    """
    if not strategy.rungs:
        return ""
    each = "of unknown size" if size is None else f"of {disk_size(size)}"
    most = most_at_once(strategy, trials, workers, configurations)
    if most is None:
        return (
            f"disk: every paused trial keeps its checkpoints, each {each}; --trials or --max-epochs-total bounds them"
        )
    total = "" if size is None else f": {disk_size(most * size)} at most"
    return f"disk: checkpoints of at most {most:,} trials at once, paused ones included, each {each}{total}"


def most_at_once(strategy: StrategyRecord, trials: int | None, workers: int, configurations: float) -> int | None:
    """How many trials have checkpoints at once, at most, where some pause; None where nothing bounds them.

    See `disk_note` for the arguments.
    """
    if isfinite(configurations) and (trials is None or configurations <= trials):
        return int(configurations)
    # without a total any trial may yet be among the best of all that will come
    return None if trials is None else most_checkpoints(strategy, trials, workers)
