"""What keeps the suite fast: a test that is not marked `slow` fails where it takes more than five seconds of CPU time.

The time is that of this process and of its children, warm commands (tests/warm) included. Wall time would fail tests
on a busy machine, where a test waits for its turn as long as it runs; CPU time hardly depends on the neighbours. A test
that sleeps is not found by it. Of a machine on which a given loop takes longer than where the limit was set, five
seconds are so much more. What many tests use and the first one pays for is left out: fixtures that are not made
for each test, and the first import of a module.
"""

import resource
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

import pytest

from .warm.start import warm_seconds

LIMIT_S = 5.0
_LOOP_S = 0.04  # CPU seconds of the loop in `slowness` on a core of 2025 that nobody else uses


def cpu_seconds() -> float:
    """CPU seconds of this process, of its children that have ended, and of warm commands that have."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + warm_seconds()


def slowness() -> float:
    """How many times as long as usual this machine takes at this moment, 1 at least: the best of three loops."""
    times = []
    for _ in range(3):
        began, total = time.process_time(), 0
        for number in range(1_000_000):
            total += number * number % 7
        times.append(time.process_time() - began)
    return max(1.0, min(times) / _LOOP_S)


class Guard:
    """A plugin that measures one test at a time."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._limit_s = limit_s
        self._began = self._shared = 0.0
        self._sharing = False

    @contextmanager
    def _left_out(self) -> Iterator[None]:
        """Leave out the time of a block; a block within another is part of that one's."""
        if self._sharing:
            yield
            return
        self._sharing, began = True, cpu_seconds()
        try:
            yield
        finally:
            self._sharing = False
            self._shared += cpu_seconds() - began

    def pytest_configure(self) -> None:
        """Time imports."""
        self._load = before = SourceFileLoader.exec_module

        def load(loader: SourceFileLoader, module: ModuleType) -> None:
            with self._left_out():
                before(loader, module)

        SourceFileLoader.exec_module = load  # type: ignore[method-assign]

    def pytest_unconfigure(self) -> None:
        """Leave importing as it was."""
        SourceFileLoader.exec_module = self._load  # type: ignore[method-assign]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """Begin to count."""
        self._began, self._shared = cpu_seconds(), 0.0
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Leave out a fixture for several tests."""
        if fixturedef.scope == "function":
            return (yield)
        with self._left_out():
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: "pytest.CallInfo[None]"
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Fail the test where it took too long."""
        report = yield
        if call.when == "call" and report.passed and not item.get_closest_marker("slow"):
            seconds = cpu_seconds() - self._began - self._shared
            if seconds > self._limit_s and seconds > self._limit_s * slowness():
                report.outcome = "failed"
                report.longrepr = (
                    f"{item.nodeid} took {seconds:.1f} s of CPU time, and a test that is not marked slow at most "
                    f"{self._limit_s:g} s: use a smaller model or fewer commands, share a fixture, or mark it slow"
                )
        return report
