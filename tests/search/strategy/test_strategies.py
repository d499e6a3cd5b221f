"""The names of samplers and pruners; that TPE learns."""

import math
from collections.abc import Callable

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.history import Finished
from hpo.search.strategy.schedulers.registry import build_scheduler
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import SearchSpace

from .setting import propose

A, B = (("branch", "a"),), (("branch", "b"),)
SPACE = SearchSpace(
    "s",
    (
        Float("x", 0.0, 1.0),
        Choice("branch", ("a", "b"), branching=True),
        Float("branch.a.y", 1e-3, 1.0, log=True, condition=A),
        Float("branch.b.y", 1e-3, 1.0, log=True, condition=B),
    ),
)


def distances(sampler: str, seed: int) -> list[float]:
    """How far from the best x the last twenty of sixty trials are."""
    proposer, found = propose(sampler, SPACE, seed), []
    for number in range(60):
        params = proposer.ask(number, {}, {}) or {}
        x, y = params["x"], params[f"branch.{params['branch']}.y"]
        assert isinstance(x, float)
        assert isinstance(y, float)
        proposer.tell(Finished(number, params, -((x - 0.3) ** 2) - (y - 0.1) ** 2))
        found.append(abs(x - 0.3))
    return found[40:]


def test_tpe_learns() -> None:
    late, chance = (sum(sum(distances(name, seed)) for seed in range(3)) for name in ("tpe", "random"))
    assert late < 0.6 * chance


def test_hundreds_of_seeds_in_seconds() -> None:
    """TPE must find the peak of what a simulated search trains better than chance would."""
    space = SearchSpace("curve", (Float("lr", 1e-4, 1.0, log=True),))

    def best(sampler: str, seed: int) -> float:
        proposer, values = propose(sampler, space, seed), []
        for number in range(24):
            params = proposer.ask(number, {}, {}) or {}
            lr = params["lr"]
            assert isinstance(lr, float)
            values.append(1 - abs(math.log10(lr) + 1.5) / 4)
            proposer.tell(Finished(number, params, values[-1]))
        return max(values)

    tpe, chance = (sorted(best(name, seed) for seed in range(40)) for name in ("tpe", "random"))
    assert tpe[20] > chance[20]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: propose("tpee", SPACE), "--sampler: unknown sampler 'tpee'; did you mean tpe?"),
        (lambda: propose("x", SPACE), "choose from cmaes, forest, gp, grid, nsga2, qmc, random, tpe"),
        (
            lambda: propose("tpe:3", SPACE),
            "--sampler tpe:3: more numbers than it takes, write --sampler tpe without one",
        ),
        (lambda: build_scheduler("hyper", 3), "did you mean hyperband?"),
        (
            lambda: build_scheduler("x", 3),
            "choose from asha, hyperband, median, none, patient, percentile, threshold, wilcoxon",
        ),
    ],
)
def test_an_unknown_name_is_told_with_the_choices(build: Callable[[], object], words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build()
    assert words in str(caught.value)
