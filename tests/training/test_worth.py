"""What a training is worth: the value that is reported, told and shown, and the epoch whose weights are kept."""

import pytest
from hpo.training.config import BudgetConfig, ObjectiveConfig, Worth
from hpo.training.loop.history import Progress
from hpo.training.report import EpochReport, Status
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

LATE = [0.2, 0.9, 0.5, 0.9, 0.6]


def reports(values: list[float], metric: str = "val_accuracy") -> list[EpochReport]:
    return [EpochReport(epoch, {metric: value}, 1.0 * epoch) for epoch, value in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("objective", "worth"),
    [
        (ObjectiveConfig(), Worth(0.6, 5)),
        (ObjectiveConfig(at="last"), Worth(0.6, 5)),
        (ObjectiveConfig(at="last", mean_of=3), Worth((0.5 + 0.9 + 0.6) / 3, 5)),
        (ObjectiveConfig(at="last", mean_of=9), Worth(3.1 / 5, 5)),
        (ObjectiveConfig(at="best"), Worth(0.9, 2)),
    ],
)
def test_a_late_fall_counts_unless_the_best_is_meant(objective: ObjectiveConfig, worth: Worth) -> None:
    found = objective.worth(reports(LATE))
    assert found is not None
    assert (found.value, found.epoch) == (pytest.approx(worth.value), worth.epoch)


def test_the_least_loss_is_the_best() -> None:
    objective = ObjectiveConfig(metric="val_loss", direction="minimize", at="best")
    assert objective.worth(reports([0.5, 0.1, 0.1, 0.4], "val_loss")) == Worth(0.1, 2)


def test_before_the_first_epoch_there_is_no_worth() -> None:
    assert ObjectiveConfig().worth([]) is None


@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.sampled_from(
        [
            ObjectiveConfig(),
            ObjectiveConfig(mean_of=3),
            ObjectiveConfig(at="best"),
        ]
    ),
)
def test_what_is_reported_after_an_epoch_is_told_if_it_was_the_last(
    values: list[float], objective: ObjectiveConfig
) -> None:
    progress = Progress(objective)
    for length, report in enumerate(reports(values), start=1):
        told = progress.add(report)
        worth = objective.worth(reports(values[:length]))
        assert worth is not None
        assert (told.worth, progress.best and progress.best.epoch) == (worth.value, worth.epoch)
    assert progress.result(Status.FINISHED).history[-1].worth == progress.worths[-1]


def test_a_mean_is_of_the_last_epochs_alone() -> None:
    with pytest.raises(ValidationError, match="mean_of must be 1 with at: best, got 3; at: last takes a mean"):
        ObjectiveConfig(at="best", mean_of=3)


@pytest.mark.parametrize(
    ("objective", "epochs"),
    [
        (ObjectiveConfig(), 4),
        (ObjectiveConfig(at="best"), 4),
        (ObjectiveConfig(mean_of=3), 8),  # the mean rises on after the fall, until the sixth epoch
    ],
)
def test_patience_follows_what_a_training_is_worth(objective: ObjectiveConfig, epochs: int) -> None:
    progress, budget = Progress(objective), BudgetConfig(patience=2)
    for report in reports([0.1, 0.9, 0.6, 0.7, 0.8, 0.8, 0.5, 0.5, 0.5]):
        progress.add(report)
        if progress.stale(budget):
            break
    assert len(progress.history) == epochs
