"""Admission: how many requests may wait, in a burst and under overload."""

import pytest
from hpo.serving import admission
from hpo.serving.admission import Admission


def test_a_burst_may_fill_the_queue_but_when_it_overflows_few_may_wait_for_longer_and_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(64)
    for short_s in (1, 2, 4):
        assert _room(door) == 64
        door.refused()
        now[0] += short_s - 0.1
        door.refused()  # changes nothing, else clients that try again at once would keep it short for ever
        assert _room(door) == 2
        now[0] += 0.2
    now[0] += 1
    assert _room(door) == 64
    door.refused()  # not at once: a burst like the first
    now[0] += 1.1
    assert _room(door) == 64


@pytest.mark.parametrize("limit", [1, 3])
def test_a_short_queue_is_never_longer_than_was_asked_for(limit: int) -> None:
    door = Admission(limit)
    assert _room(door) == limit
    door.refused()
    assert _room(door) == min(limit, 2)


@pytest.mark.parametrize(
    ("lone_s", "of_two_s", "of_many_s", "few"),
    [
        (0.001, 0.003, 0.009, {1}),  # two are late already
        (0.001, 0.002, 0.009, {2}),
        (0.001, 0.001, 0.002, {8}),  # as many as may wait at all
    ],
)
def test_under_overload_as_many_may_wait_as_are_answered_in_time(
    lone_s: float, of_two_s: float, of_many_s: float, few: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(8)

    def answer(*, waiting: int) -> None:
        door.unanswered = 0
        visits = [door.enter() for _ in range(waiting)]
        now[0] += {1: lone_s, 2: of_two_s}.get(waiting, of_many_s)
        for visit in visits:
            door.answered(visit)

    for _ in range(500):
        answer(waiting=1)
    while not door.full:
        door.enter()
    door.refused()
    late = door.enter()  # it was let in before, and says nothing of a short queue
    door._short_until = 1e9
    door.answered(late._replace(began=90.0))
    found = []
    for _ in range(3_000):
        found.append(_room(door))
        answer(waiting=found[-1])
    assert few <= set(found[-200:]) <= few | {min(few) + 1}
    assert found[-200:].count(min(few)) >= 100


def test_what_a_lone_request_takes_is_learnt_without_overload_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(admission.time, "monotonic", lambda: now[0])
    door = Admission(8)
    for _ in range(50):  # one of two hundred takes three times as long
        for took in (0.01,) * 199 + (0.03,):
            visit = door.enter()
            now[0] += took
            door.answered(visit)
    assert 0.009 < door._lone_s < 0.02
    learnt = door._lone_s
    door.refused()
    door._short_until = 1e9
    visit, other = door.enter(), door.enter()
    now[0] += 1
    door.answered(visit)
    door.answered(other)
    assert door._lone_s == learnt
    assert door.unanswered == 0


def _room(door: Admission) -> int:
    """How many are let in before the door is shut."""
    door.unanswered = 0
    while not door.full:
        door.unanswered += 1
    return door.unanswered
