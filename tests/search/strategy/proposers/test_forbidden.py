"""Whatever draws them, no configuration is proposed that the space forbids, and of a finite space all others are."""

from itertools import product

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.history import Finished
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.spaces.clause import Clause, Term
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import SearchSpace

from ..setting import propose

WIDTHS, SIZES = (16, 32, 64), (32, 64)
FORBIDDEN = (Clause((Term("size", ">", other="width"),)), Clause((Term("width", "=", (64,)), Term("size", "=", (32,)))))
FINITE = SearchSpace("f", (Choice("width", WIDTHS), Choice("size", SIZES)), forbidden=FORBIDDEN)
SMOOTH = SearchSpace(
    "s",
    (Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)),
    forbidden=(Clause((Term("x", ">", (0.5,)),)), Clause((Term("y", ">=", other="x"),))),
)
NAMES = sorted(SAMPLERS.names())


@pytest.mark.parametrize("sampler", NAMES)
def test_each_allowed_configuration_is_proposed_once(sampler: str) -> None:
    proposer = propose(sampler, FINITE)
    allowed = {(w, s) for w, s in product(WIDTHS, SIZES) if s <= w and (w, s) != (64, 32)}
    assert proposer.size() == len(allowed) == 2
    seen = []
    for number in range(len(allowed)):
        params = proposer.ask(number, {}, {})
        assert params is not None
        seen.append((params["width"], params["size"]))
        proposer.tell(Finished(number, params, float(number)))
    assert set(seen) == allowed
    assert proposer.ask(len(allowed), {}, {}) is None


@pytest.mark.parametrize("sampler", [*(name for name in NAMES if name != "grid"), "grid:30"])
def test_no_forbidden_configuration_is_proposed(sampler: str) -> None:
    """The best of all lies where it is forbidden, so that whatever learns is drawn there."""
    proposer = propose(sampler, SMOOTH)
    for number in range(16):
        params = proposer.ask(number, {}, {})
        assert params is not None
        assert SMOOTH.allows(params)
        proposer.tell(Finished(number, params, float(params["x"]) + float(params["y"])))  # type: ignore[arg-type]


@pytest.mark.parametrize("sampler", ["random", "forest", "grid:5"])
def test_values_with_which_all_is_forbidden_are_refused(sampler: str) -> None:
    with pytest.raises(SpaceError, match=r"forbid leaves no configuration( of the grid)? with x=0.75"):
        propose(sampler, SMOOTH).ask(0, {"x": 0.75}, {})
