"""The time of an epoch, by the events of a training."""

import pytest
from hpo.search.commands.plan.measure import _Run
from hpo.training.report import EpochReport


@pytest.mark.parametrize(("second_at", "epoch_s"), [(10.0, 0.25), (10.3, 0.3)])
def test_reports_that_come_at_once_are_epochs_of_some_length(second_at: float, epoch_s: float) -> None:
    reports = [(at, EpochReport(epoch, {}, 0.25 * epoch)) for epoch, at in ((1, 10.0), (2, second_at))]
    assert _Run(9.0, reports).timing(0.1).epoch_s == pytest.approx(epoch_s)
