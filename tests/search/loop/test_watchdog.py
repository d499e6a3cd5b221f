"""The watchdog: how long a worker may be silent, and what counts of the time."""

import pytest
from hpo.search.loop.watchdog import SILENT_S, START_S, USUAL_TIMES, Watchdog


class Day:
    """A clock that looks every second."""

    def __init__(self) -> None:
        self.watchdog, self.now = Watchdog(), 1e9

    def silence(self, longest_s: float) -> float:
        """Seconds until the watchdog finds somebody."""
        began = self.now
        while not self.watchdog.silent(self.now):
            self.now += 1
            assert self.now - began < longest_s
        return self.now - began

    def pass_by(self, seconds: float) -> None:
        for _ in range(int(seconds)):
            self.now += 1
            self.watchdog.silent(self.now)


@pytest.fixture
def day() -> Day:
    made = Day()
    made.watchdog.silent(made.now)
    return made


def test_a_run_that_never_reports_has_the_time_of_a_start(day: Day) -> None:
    day.watchdog.began(0)
    assert day.silence(2 * START_S) == pytest.approx(START_S, abs=2)


@pytest.mark.parametrize(("epoch_s", "patience_s"), [(2, SILENT_S), (300, USUAL_TIMES * 300)])
def test_its_own_epochs_say_what_is_usual(day: Day, epoch_s: int, patience_s: float) -> None:
    day.watchdog.began(0)
    for _ in range(3):
        day.pass_by(epoch_s)
        day.watchdog.reported(0)
    assert day.silence(2 * patience_s) == pytest.approx(patience_s, abs=2)


def test_until_it_has_any_those_of_the_others_do(day: Day) -> None:
    day.watchdog.began(0)
    for _ in range(2):
        day.pass_by(400)
        day.watchdog.reported(0)
    day.watchdog.forget(0)
    day.watchdog.began(1)
    assert day.silence(8000) == pytest.approx(USUAL_TIMES * 400, abs=2)


def test_every_word_is_a_sign_of_life(day: Day) -> None:
    day.watchdog.began(0)
    for _ in range(10):
        day.pass_by(START_S - 10)
        day.watchdog.heard(0)
    assert day.watchdog.silent(day.now) == []


def test_a_clock_that_leaps_makes_nobody_silent(day: Day) -> None:
    """A laptop that slept, or a clock that was set."""
    day.watchdog.began(0)
    for leap_s in (1e6, -1e6, 1e6):
        day.now += leap_s
        assert day.watchdog.silent(day.now) == []


def test_who_was_given_up_is_not_found_again_whatever_it_still_says(day: Day) -> None:
    day.watchdog.began(0)
    day.silence(2 * START_S)
    day.watchdog.forget(0)
    day.watchdog.heard(0)
    day.watchdog.reported(0)
    assert day.watchdog.silent(day.now + 1) == []
