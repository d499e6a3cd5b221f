"""Where the best have a dimension, in words."""

import pytest
from hpo.search.progress.best_have import middle
from hpo.studies.records.regions import Region


@pytest.mark.parametrize(
    ("low", "high", "words"), [(0.01234, 0.4, "0.0123 to 0.4"), (0.0, 0.0, "0"), (16, 16, "16"), (0.1, 0.10001, "0.1")]
)
def test_one_value_is_no_range(low: float, high: float, words: str) -> None:
    assert middle(Region(low, high, 0.0, 32.0)) == words
