import pytest
from hpo.common.interval import around, standard_error, wilson
from scipy.stats import binomtest


@pytest.mark.parametrize(
    ("correct", "count", "low", "high"),
    [  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_values(correct: int, count: int, low: float, high: float) -> None:
    assert wilson(correct, count) == pytest.approx((low, high), abs=5e-5)


def test_a_perfect_score_is_not_certain() -> None:
    low, high = wilson(10, 10)
    assert high == 1.0
    assert 0.6 < low < 0.8


@pytest.mark.parametrize("count", [1, 2, 7, 24, 180, 1_000_003])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
def test_it_is_that_of_scipy(count: int, confidence: float) -> None:
    for correct in {0, 1, count // 2, count - 1, count}:
        theirs = binomtest(correct, count).proportion_ci(confidence, method="wilson")
        low, high = wilson(correct, count, confidence)
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
        assert 0 <= low <= correct / count <= high <= 1


def test_the_interval_around_a_share_is_that_of_its_count() -> None:
    assert around(17 / 32, 32) == wilson(17, 32)


def test_the_standard_error_of_a_share_is_never_nothing() -> None:
    assert standard_error(0.8, 10_000) == pytest.approx(0.004, rel=1e-3)  # the textbook's
    for share in (0.0, 1.0):
        assert 0.004 < standard_error(share, 180) < standard_error(0.05, 180)
