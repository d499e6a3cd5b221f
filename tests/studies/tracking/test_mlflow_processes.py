"""The MLflow tracker in several processes on one study: one sends for all."""

from typing import Any

import pytest
from hpo.studies.home import Home
from hpo.studies.store.locks import held_if_free
from hpo.studies.tracking.mlflow.shipper import count_unsent
from hpo.studies.tracking.mlflow_tracker import MlflowTracker

from .tracked_study import INFO, expected, note_trial, tracking, wait_for

pytestmark = pytest.mark.usefixtures("quick")


def is_free(home: Home) -> bool:
    with held_if_free(home.study("digits") / "spool.lock") as free:
        return free


def test_one_of_two_processes_sends_for_both(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
        wait_for(lambda: len(in_mlflow.run_states()) == 2)
        with tracking(tracked) as (other, warnings):
            note_trial(other, 1)
        assert ["another process" in warning for warning in warnings] == [True]
        assert in_mlflow.epoch_rows() == expected(0, 1)  # the first, which still runs, has sent them
        assert count_unsent(tracked, "digits", tracked.tracking_uri) == 0
    assert len(in_mlflow.run_states()) == 3


def test_a_process_goes_on_with_the_sending_when_the_one_that_did_it_ends(tracked: Home, in_mlflow: Any) -> None:
    with tracking(tracked) as (tracker, _):
        note_trial(tracker, 0)
        wait_for(lambda: len(in_mlflow.run_states()) == 2)
        other = MlflowTracker(tracked, "digits", tracked.tracking_uri, print)
        other.tell(INFO)
        note_trial(other, 1)
    note_trial(other, 2)
    wait_for(lambda: in_mlflow.epoch_rows() == expected(0, 1, 2))
    assert other.close(20) == 0
    assert len(in_mlflow.run_states()) == 4


def test_what_a_process_that_sends_for_others_cannot_send_is_counted_by_them(tracked: Home, hanging_port: int) -> None:
    uri = f"http://127.0.0.1:{hanging_port}"
    first = MlflowTracker(tracked, "digits", uri, print)
    first.tell(INFO)
    wait_for(lambda: not is_free(tracked))
    other = MlflowTracker(tracked, "digits", uri, print)
    other.tell(INFO)
    note_trial(other, 1)
    assert other.close(0.3) == 2 + 5
    assert first.close(0.1) == 2 + 5
