"""Who is audited: a share of all trials, by the study's seed and the trial's number alone."""

import pytest
from hpo.search.strategy.audit import Audit


@pytest.mark.parametrize("share", [0.0, 0.05, 0.3, 1.0])
def test_a_share_of_the_trials_is_drawn(share: float) -> None:
    taken = sum(Audit(share, seed=7).takes(trial) for trial in range(10_000))
    assert taken == pytest.approx(10_000 * share, abs=4 * (10_000 * share * (1 - share)) ** 0.5)


def test_a_larger_share_has_those_of_a_smaller_one_and_another_seed_has_others() -> None:
    few, many = ({trial for trial in range(1000) if Audit(share).takes(trial)} for share in (0.05, 0.2))
    assert few < many
    assert few != {trial for trial in range(1000) if Audit(0.05, seed=1).takes(trial)}


def test_what_began_before_there_was_an_audit_is_not_audited() -> None:
    assert [trial for trial in range(6) if Audit(1.0, since=4).takes(trial)] == [4, 5]
