"""Random search on a table, counted: its medians over all orders of the rows, without any run."""

from search_tables import CurveTable
from search_trace import REGRETS, Step, Trace


def random_search(table: CurveTable, workers: int) -> Trace:
    """Return the median search at each of REGRETS: rows in random order, each once and to its end."""
    steps = [_step(table, regret, workers) for regret in sorted(REGRETS, reverse=True)]
    return Trace(steps, steps[-1].epochs, steps[-1].wall)


def _step(table: CurveTable, regret: float, workers: int) -> Step:
    trials = median_draws(table.rows, int((table.regrets <= regret).sum()))
    # workers run abreast, and the last epochs of their trials end in their order
    rounds, place = divmod(trials - 1, workers)
    epochs = rounds * workers * table.epochs + (table.epochs - 1) * workers + place + 1
    return Step(epochs, float((rounds + 1) * table.epochs), regret)


def median_draws(rows: int, good: int) -> int:
    """Return how many of `rows` are drawn, without replacement, until one of the `good` is, in the median."""
    none_yet = 1.0
    for drawn in range(rows):
        none_yet *= (rows - good - drawn) / (rows - drawn)
        if none_yet <= 0.5:
            return drawn + 1
    return rows
