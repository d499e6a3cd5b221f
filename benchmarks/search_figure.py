"""The figure of a comparison of searches: regret over epochs, as SVG."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib
import numpy as np
from search_runs import Comparison, Journal
from search_tables import Array
from search_trace import REGRETS, Trace

POINTS = 60  # epochs at which a curve is drawn, even on the log scale: it keeps the file small
WIDTH = 3.2  # inches of a panel


def draw(comparison: Comparison, journal: Journal, path: Path) -> None:
    """Draw the median regret over epochs and its quartiles, of the fewest workers, in a panel for each table."""
    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "search", "svg.fonttype": "none", "font.size": 8})
    from matplotlib import pyplot

    workers, epochs = min(comparison.workers), np.geomspace(comparison.tables[0].epochs, comparison.cap, POINTS)
    columns = min(3, len(comparison.tables))
    lines = -(-len(comparison.tables) // columns)
    size = (WIDTH * columns, 0.8 * WIDTH * lines + 0.5)
    figure, axes = pyplot.subplots(lines, columns, figsize=size, sharex=True, sharey=True, squeeze=False)
    done = {entrant: comparison.done(journal, entrant, workers) for entrant in comparison.entrants}
    for axis, table in zip(axes.flat, comparison.tables, strict=False):
        for entrant, runs in done.items():
            if traces := [each.trace for each in runs[table.name]]:
                low, middle, high = quartiles(traces, epochs)
                (line,) = axis.plot(epochs, middle, label=entrant, linewidth=1.2)
                axis.fill_between(epochs, low, high, alpha=0.12, color=line.get_color(), linewidth=0)
        axis.set(xscale="log", yscale="log", ylim=(min(REGRETS), 1.5), title=table.name.removeprefix("taskset_"))
    for axis in axes[-1]:
        axis.set_xlabel("epochs of all trials")
    for axis in axes[:, 0]:
        axis.set_ylabel("regret")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.5 / size[1], 1, 1))
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def quartiles(traces: Sequence[Trace], epochs: Array) -> Array:
    """Return the quartiles [3, N] of the regret after each of `epochs` [N]; nothing found yet is a regret of 1."""
    regrets = [[min(1.0, trace.regret_after(each)) for each in epochs] for trace in traces]
    return np.maximum(np.percentile(regrets, [25, 50, 75], axis=0), min(REGRETS))
