"""Joining a cluster from outside, whose head may fail at a moment and not at the next."""

import pytest
import ray
from hpo.search.executors.ray import join
from hpo.search.executors.ray.join import TRIES, reason

HEADING = "Initialization failure from server:\nTraceback:\n  ...\npsutil.ZombieProcess: a zombie"


@pytest.mark.parametrize(("failures", "joins"), [(0, True), (TRIES - 1, True), (TRIES, False)])
def test_a_head_that_fails_is_asked_again(failures: int, joins: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def init(address: str, **options: object) -> None:
        asked.append(address)
        if len(asked) <= failures:
            raise ConnectionAbortedError(HEADING)

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(join, "PAUSE_S", 0.0)
    if joins:
        join.join("ray://head:10001")
    else:
        with pytest.raises(ConnectionAbortedError):
            join.join("ray://head:10001")
    assert asked == ["ray://head:10001"] * min(failures + 1, TRIES)


def test_an_error_of_the_cluster_is_told_by_its_last_line() -> None:
    assert reason(ConnectionAbortedError(HEADING)) == "psutil.ZombieProcess: a zombie"
    assert reason(ConnectionError("nobody is there\nlook at the log")) == "nobody is there"
    assert reason(ConnectionError("nobody is there:")) == "nobody is there:"
