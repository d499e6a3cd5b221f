"""The numbers after a pruner's name, and what is said of wrong ones."""

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.schedulers.registry import build_scheduler

TAKEN = ["asha:4", "hyperband:2", "percentile:10", "percentile:12.5", "patient:1", "threshold:-3e-2", "wilcoxon:0.05"]


@pytest.mark.parametrize("name", [*TAKEN, "threshold:0.3,2", "median:"])
def test_a_number_may_follow_the_name(name: str) -> None:
    build_scheduler(name, 9)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("asha:x", "--pruner asha:x: factor must be a whole number, got 'x'"),
        ("asha:2.5", "--pruner asha:2.5: factor must be a whole number, got '2.5'"),
        ("asha:1", "--pruner asha:N keeps one trial in N, at least 2, got 1"),
        ("hyperband:0", "--pruner hyperband:N keeps one trial in N, at least 2, got 0"),
        ("asha:3,9", "--pruner asha:3,9: more numbers than it takes, write --pruner asha:FACTOR"),
        ("median:2", "--pruner median:2: more numbers than it takes, write --pruner median without one"),
        ("none:2", "write --pruner none without one"),
        ("percentile:0", "--pruner percentile:P keeps the best P %, above 0 and below 100, got 0"),
        ("percentile:nan", "above 0 and below 100, got nan"),
        ("patient:0", "--pruner patient:N waits for N epochs, at least 1, got 0"),
        ("threshold:low", "--pruner threshold:low: bound must be a number, got 'low'"),
        ("threshold:0.3,10", "--pruner threshold:V,E needs an epoch E from 1 to 9, got 10"),
        ("threshold:nan", "--pruner threshold:V,E needs a number V to be reached, got nan"),
        ("threshold:1,2,3", "write --pruner threshold:BOUND,BY"),
        ("wilcoxon:1", "--pruner wilcoxon:P needs a significance P above 0 and below 1, got 1"),
        ("percentil:25", "--pruner: unknown pruner 'percentil'; did you mean percentile?"),
    ],
)
def test_what_is_wrong_with_one_is_told(name: str, words: str) -> None:
    with pytest.raises(SpaceError) as caught:
        build_scheduler(name, 9)
    assert words in str(caught.value)
