"""The table, the verdicts and the JSON of a comparison of searches, of the runs that are done."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness import Target
from search_entrants import BASELINE, COUNTED, is_ours
from search_ours import split_prior
from search_runs import Comparison, Done, Journal
from search_spaces import PRIORS
from search_summary import Estimate, Traces, geometric_mean, medians, ratio, ratios
from search_trace import REGRETS

# what a search is to reach: the headline over TPE + Median, the least on one table over it and over random search, and
# the share of the headline that is left in wall time with more workers
HEADLINE_RATIO, LEAST_RATIO, RANDOM_RATIO, WALL_SHARE = 3.5, 1.0, 5.0, 0.8

Runs = Mapping[str, Sequence[Done]]
"""The runs of one entrant by table."""


class Report:
    """What is known of a comparison: of each entrant and number of workers with a run on every table."""

    def __init__(self, comparison: Comparison, journal: Journal) -> None:
        self._comparison = comparison
        self._runs: dict[tuple[str, int], Runs] = {}
        for workers in comparison.workers:
            for entrant in comparison.entrants:
                runs = comparison.done(journal, entrant, workers)
                if all(runs.values()):
                    self._runs[entrant, workers] = runs
        self._traces: dict[tuple[str, int], Traces] = {
            key: {table: [each.trace for each in done] for table, done in runs.items()}
            for key, runs in self._runs.items()
        }

    def rows(self) -> list[dict[str, str]]:
        """Return the lines of the table."""
        return [self._row(entrant, workers) for entrant, workers in self._traces]

    def targets(self) -> list[Target]:
        """Return the verdicts on each strategy of ours."""
        return [
            target for entrant in self._comparison.entrants if is_ours(entrant) for target in self._targets(entrant)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return what stands at the top level of the JSON."""
        return {
            "cap": self._comparison.cap,
            "tables": {table.name: [table.rows, table.epochs] for table in self._comparison.tables},
            "seeds": {f"{entrant} {workers}": _seeds(runs) for (entrant, workers), runs in self._runs.items()},
            "epochs_to_regret": self._medians(wall=False),
            "wall_time_to_regret": self._medians(wall=True),
            "headline": self._headlines(),
        }

    def _medians(self, *, wall: bool) -> dict[str, Any]:
        return {
            str(regret): {
                str(workers): {
                    entrant: medians(traces, regret, wall=wall)
                    for (entrant, count), traces in self._traces.items()
                    if count == workers
                }
                for workers in self._comparison.workers
            }
            for regret in REGRETS
        }

    def _headlines(self) -> dict[str, Any]:
        """Return the ratios to the baseline, over all tables and of each, by workers and entrant."""
        cap = self._comparison.cap
        return {
            str(workers): {
                entrant: {
                    "epochs": _json(ratio(traces, baseline, cap)),
                    "wall_time": _json(ratio(traces, baseline, cap, wall=True)),
                    "tables": {table: _json(each) for table, each in ratios(traces, baseline, cap).items()},
                }
                for (entrant, count), traces in self._traces.items()
                if count == workers
            }
            for workers in self._comparison.workers
            if (baseline := self._traces.get((BASELINE, workers)))
        }

    def _row(self, entrant: str, workers: int) -> dict[str, str]:
        traces, cap = self._traces[entrant, workers], self._comparison.cap
        row = {"entrant": entrant, "workers": str(workers)}
        row |= {f"to {regret:.1%}": geometric_mean(traces, regret, cap).text() for regret in REGRETS}
        row["wall to 1.0%"] = geometric_mean(traces, 0.01, cap, wall=True).text()
        baseline = self._traces.get((BASELINE, workers))
        row["x TPE + Median"] = ratio(traces, baseline, cap).text(2) if baseline else ""
        row["least table"] = f"{min(e.value for e in ratios(traces, baseline, cap).values()):.2f}" if baseline else ""
        runs = [done for each in self._runs[entrant, workers].values() for done in each]
        cpu_s, epochs = sum(done.cpu_s for done in runs), sum(done.trace.epochs for done in runs)
        row["CPU ms an epoch"] = f"{1000 * cpu_s / epochs:.1f}"
        row["seeds"] = str(_seeds(self._runs[entrant, workers]))
        return row

    def _targets(self, entrant: str) -> list[Target]:
        cap, first = self._comparison.cap, min(self._comparison.workers)
        without, prior = split_prior(entrant)
        traces, baseline = self._traces.get((entrant, first)), self._traces.get((without if prior else BASELINE, first))
        if not traces or not baseline:
            return []
        if prior:
            gain = ratio(traces, baseline, cap).value
            return [Target(f"{without}: its epochs by those with {prior} priors", gain, PRIORS[prior].least_gain)]
        headline = ratio(traces, baseline, cap).value
        targets = [
            Target(f"{entrant}: epochs of TPE + Median by its own", headline, HEADLINE_RATIO),
            Target(f"{entrant}: the same on the worst table", _least(ratios(traces, baseline, cap)), LEAST_RATIO),
        ]
        if counted := self._traces.get((COUNTED, first)):
            least = _least(ratios(traces, counted, cap))
            targets.append(Target(f"{entrant}: epochs of random search by its own, worst table", least, RANDOM_RATIO))
        for workers in self._comparison.workers[1:]:
            pair = self._traces.get((entrant, workers)), self._traces.get((BASELINE, workers))
            if pair[0] and pair[1]:
                share = ratio(pair[0], pair[1], cap, wall=True).value / headline
                targets.append(Target(f"{entrant}: of that in wall time with {workers} workers", share, WALL_SHARE))
        return targets


def _seeds(runs: Runs) -> int:
    """Return the number of seeds that every table has."""
    return min(map(len, runs.values()))


def _least(estimates: Mapping[str, Estimate]) -> float:
    return min(each.value for each in estimates.values())


def _json(estimate: Estimate) -> dict[str, Any]:
    return {"ratio": estimate.value, "interval": [estimate.low, estimate.high]} | (
        {"is": estimate.bound} if estimate.bound else {}
    )
