"""What ends a search, in words and as a share."""

import pytest
from hpo.search.progress.base import Standing
from hpo.search.progress.limits import Limits


@pytest.mark.parametrize(
    ("limits", "total", "words"),
    [
        (Limits(), 50, "50 trials"),
        (Limits(epochs=4000), 50, "50 trials or 4,000 epochs"),
        (Limits(until=0.95, timeout_s=7200), None, "a value of 0.95 or 2 h 00 min"),
        (Limits(until_converged=True), None, "convergence"),
    ],
)
def test_all_that_may_end_it_is_named(limits: Limits, total: int | None, words: str) -> None:
    assert limits.words(total) == words
    assert Standing("s", "maximize", total, limits=limits).words == f"study s: to {words}"


def test_where_a_search_stands() -> None:
    assert Limits().counts(12, 50, 7) == "12/50 trials"
    assert Limits(epochs=400, epochs_before=100, until=0.9).counts(12, None, 30) == (
        "12 trials, 130/400 epochs, to a value of 0.9"
    )


def test_the_nearest_limit_counts() -> None:
    limits = Limits(epochs=100, epochs_before=20, timeout_s=60)
    assert limits.share(10, 100, 10, 6) == pytest.approx(0.3)
    assert limits.share(10, 100, 10, 45) == pytest.approx(0.75)
    assert limits.share(90, 100, 10, 6) == pytest.approx(0.9)
    assert Limits(until=0.9).share(10, None, 10, 6) == 0.0
