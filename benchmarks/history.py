"""What TPE finds, and what a proposal costs, if it looks at the best and the newest trials alone.

Three functions, one of them with branches, each minimised by several seeds; a row is a bound on the newest trials
(search/strategy/history.py), the last one larger than the study.
"""

import math
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import optuna
from harness import Figure, Target, arguments, figure, finish
from hpo.search.strategy.base import Setting
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.history import NEWEST, Finished, History
from hpo.search.strategy.proposers.optuna import OptunaProposer
from hpo.search.strategy.samplers.tpe import tpe
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

Params = Mapping[str, Any]
TRIALS, BOUNDS = 800, (50, 100, NEWEST, 500, 1_000)

# Hartmann's function of six dimensions: Dixon & Szegő 1978
ALPHA = (1.0, 1.2, 3.0, 3.2)
A = ((10, 3, 17, 3.5, 1.7, 8), (0.05, 10, 17, 0.1, 8, 14), (3, 3.5, 1.7, 10, 17, 8), (17, 8, 0.05, 10, 0.1, 14))
P = (
    (0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886),
    (0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991),
    (0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650),
    (0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381),
)


def hartmann(params: Params) -> float:
    """Least at -3.322."""
    x = [params[f"x{place}"] for place in range(6)]
    return -sum(
        weight * math.exp(-sum(a * (at - p) ** 2 for a, at, p in zip(row, x, places, strict=True)))
        for weight, row, places in zip(ALPHA, A, P, strict=True)
    )


def rosenbrock(params: Params) -> float:
    """The logarithm of Rosenbrock's valley in eight dimensions, least at -9."""
    x = [params[f"x{place}"] for place in range(8)]
    return math.log10(1e-9 + sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)))


def branches(params: Params) -> float:
    """Two optimisers with dimensions of their own, of which one is better; least at 0."""
    rest = abs(params["width"] - 40) / 64 + 0.02 * (params["batch"] != 64)
    if params["opt"] == "sgd":
        return rest + abs(math.log10(params["opt.sgd.lr"]) + 1) + 5 * (params["opt.sgd.momentum"] - 0.9) ** 2
    return 0.1 + rest + abs(math.log10(params["opt.adam.lr"]) + 3) + abs(math.log10(params["opt.adam.decay"]) + 2) / 3


SGD, ADAM = (("opt", "sgd"),), (("opt", "adam"),)
PROBLEMS: dict[str, tuple[SearchSpace, Callable[[Params], float]]] = {
    "Hartmann 6": (SearchSpace("h", tuple(Float(f"x{i}", 0.0, 1.0) for i in range(6))), hartmann),
    "Rosenbrock 8": (SearchSpace("r", tuple(Float(f"x{i}", -2.0, 2.0) for i in range(8))), rosenbrock),
    "branches": (
        SearchSpace(
            "b",
            (
                Int("width", 8, 64),
                Choice("batch", (32, 64, 128)),
                Choice("opt", ("adam", "sgd"), branching=True),
                Float("opt.sgd.lr", 1e-4, 1.0, log=True, condition=SGD),
                Float("opt.sgd.momentum", 0.0, 0.99, condition=SGD),
                Float("opt.adam.lr", 1e-5, 0.1, log=True, condition=ADAM),
                Float("opt.adam.decay", 1e-5, 1.0, log=True, condition=ADAM),
            ),
        ),
        branches,
    ),
}


def search(problem: str, newest: int, seed: int, trials: int) -> tuple[float, float]:
    """Return the best value of a search, and the CPU milliseconds of one of its last proposals."""
    space, value_of = PROBLEMS[problem]
    setting = Setting(space, "tpe", None, seed, "minimize", 1, trials, Curves("minimize"))
    proposer = OptunaProposer(setting, tpe(setting).sampler, History("minimize", newest=newest))
    best, late_s = math.inf, 0.0
    for number in range(trials):
        began = time.process_time()
        params = proposer.ask(number, {}, {}) or {}
        late_s += (time.process_time() - began) * (number >= trials // 2)
        value = value_of(params)
        best = min(best, value)
        proposer.tell(Finished(number, params, value))
    return best, late_s * 1000 / (trials - trials // 2)


def main() -> None:
    options = arguments("history", __doc__.splitlines()[0], repeats=6).parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    trials, bounds, seeds = (30, (10, NEWEST), 1) if options.quick else (TRIALS, BOUNDS, options.repeats)
    found: dict[int, dict[str, Figure]] = {}
    cost_ms: dict[int, Figure] = {}
    for newest in bounds:
        runs = {name: [search(name, newest, seed, trials) for seed in range(seeds)] for name in PROBLEMS}
        found[newest] = {name: figure([best for best, _ in each]) for name, each in runs.items()}
        cost_ms[newest] = figure([cost for each in runs.values() for _, cost in each])
    rows = [
        {
            "newest": f"{newest:,}",
            **{name: best.text(4) for name, best in found[newest].items()},
            "a proposal, ms": cost_ms[newest].text(1),
        }
        for newest in bounds
    ]
    worse = [found[NEWEST][name].median - found[bounds[-1]][name].median for name in PROBLEMS]
    targets = [Target("least value found, beyond that with all trials, at most", max(worse), 0.01, at_most=True)]
    title = f"The least value that TPE finds in {trials} trials, medians (min-max) of {seeds} seeds"
    finish(options, title, rows, targets, {"found": found, "ms": cost_ms})


if __name__ == "__main__":
    main()
