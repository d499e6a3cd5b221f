"""What keeps the suite fast: a test that is not marked `slow` fails where it takes more than five seconds of CPU time.

The time is that of this process and of its children, warm commands (tests/warm) included. Wall time would fail tests
on a busy machine, where a test waits for its turn as long as it runs; CPU time hardly depends on the neighbours. A test
that sleeps is not found by it. Of a machine on which a given loop takes longer than where the limit was set, five
seconds are so much more. What many tests use and the first one pays for is left out: fixtures that are not made
for each test, and the first import of a module.

A test that takes too long is run again, and its best time counts: the first use of a library (files to be read and
compiled, caches to be filled) and a neighbour's burst say nothing about the test.
"""

import math
import resource
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from .warm.start import warm_seconds

LIMIT_S = 5.0
TRIES = 3
_LOOP_S = 0.012  # CPU seconds of the loop in `slowness` on a core of 2025 that nobody else uses


def cpu_seconds() -> float:
    """CPU seconds of this process, of its children that have ended, and of warm commands that have."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + warm_seconds()


def slowness() -> float:
    """How many times as long as usual this machine takes at this moment, 1 at least: the best of three loops."""
    times = []
    for _ in range(3):
        began, total = time.process_time(), 0
        for number in range(300_000):
            total += number * number % 7
        times.append(time.process_time() - began)
    return max(1.0, min(times) / _LOOP_S)


class Guard:
    """A plugin that measures one test at a time; `slowness` says how much longer than usual everything takes now."""

    def __init__(self, limit_s: float = LIMIT_S, slowness: Callable[[], float] = slowness) -> None:
        self._limit_s, self._slowness = limit_s, slowness
        self._began = self._shared = self._taken = 0.0
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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a test that must be fast, again where it is not."""
        if item.get_closest_marker("slow"):
            return None  # for pytest to run
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _reports(self, item: pytest.Item, nextitem: pytest.Item | None) -> list[pytest.TestReport]:
        """The reports of the last try, failed where each took too long."""
        best = math.inf
        for attempt in range(TRIES):
            if attempt:
                item._initrequest()  # type: ignore[attr-defined]  # or its fixtures would be those of the try before
            self._began, self._shared, self._taken = cpu_seconds(), 0.0, 0.0
            reports = runtestprotocol(item, log=False, nextitem=nextitem)
            best = min(best, self._taken)
            if best <= self._limit_s or best <= self._limit_s * self._slowness() or not all(r.passed for r in reports):
                return reports
        call = next(report for report in reports if report.when == "call")
        call.outcome = "failed"
        call.longrepr = (
            f"{item.nodeid} took {best:.1f} s of CPU time, and a test that is not marked slow at most "
            f"{self._limit_s:g} s: use a smaller model or fewer commands, share a fixture, or mark it slow"
        )
        return reports

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, call: "pytest.CallInfo[None]") -> None:
        """Note the time that a test took, with the fixtures of its own."""
        if call.when == "call":
            self._taken = cpu_seconds() - self._began - self._shared

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
        """Leave out a fixture for several tests."""
        if fixturedef.scope == "function":
            return (yield)
        with self._left_out():
            return (yield)
