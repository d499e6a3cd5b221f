"""A test that is too slow fails, whatever it spends its time on, unless it says that it is slow."""

from pathlib import Path

import pytest

from .guard import Guard

TESTS = """
import subprocess
import sys
import time

import pytest

begun = []

def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass

@pytest.fixture(scope="module")
def shared():
    burn(0.15)

@pytest.fixture
def own():
    burn(0.15)

@pytest.fixture
def own_once():
    if not begun:
        begun.append(True)
        burn(0.15)

def test_fast(shared): pass
def test_imports(): import much
def test_sleeps(): time.sleep(0.15)
def test_begins_slowly(own_once): pass
def test_burns(): burn(0.15)
def test_sets_up(own): pass
def test_has_a_child():
    subprocess.run([sys.executable, "-c", "import time\\nwhile time.process_time() < 0.15: pass"], check=True)
@pytest.mark.slow
def test_is_slow(): burn(0.15)
"""


def test_cpu_time_of_a_test_and_its_children_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "much.py").write_text(
        "import time\nend = time.process_time() + 0.15\nwhile time.process_time() < end: pass"
    )
    monkeypatch.syspath_prepend(tmp_path)
    outcomes: dict[str, str] = {}
    reported: list[str] = []

    class Outcomes:
        def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
            if report.when == "call":
                reported.append(report.nodeid)
                outcomes[report.nodeid.partition("::")[2]] = report.outcome

    options = [str(tmp_path), "--rootdir", str(tmp_path), "-q", "--import-mode=importlib", "-o", "markers=slow: slow"]
    pytest.main(
        [*options, "-p", "no:cacheprovider", "-p", "no:xdist"],
        plugins=[Guard(0.08, slowness=lambda: 1.0), Outcomes()],
    )
    passed = {"test_fast", "test_imports", "test_sleeps", "test_begins_slowly", "test_is_slow"}
    assert {name for name, outcome in outcomes.items() if outcome == "passed"} == passed
    assert {name for name, outcome in outcomes.items() if outcome == "failed"} == outcomes.keys() - passed
    assert len(outcomes) == len(reported) == 8
    assert "of CPU time, and a test that is not marked slow" in capsys.readouterr().out
