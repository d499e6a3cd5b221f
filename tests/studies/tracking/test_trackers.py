"""What every tracker owes a search, over the whole registry; and what several at once owe each other."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hpo.common.installation import Extra
from hpo.errors import StudyError
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, Event, StudyEnded, StudyStarted, TrialEnded, TrialStarted
from hpo.studies.tracking.several import BackgroundTracker, SeveralTrackers
from hpo.studies.tracking.tracker import NullTracker, Tracker
from hpo.studies.tracking.tracker_kinds import TRACKERS, TrackedStudy, choose_trackers, register_tracker
from hpo.studies.tracking.trackers import open_trackers

STARTED = StudyStarted("val_accuracy", "maximize", {"space": "5ace"})
PARAMS = {"optimizer.lr": 0.1, "model.name": "resnet", "augment.flip": True, "schedule.name": None}
SECRET = "s3cr3t" * 6


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


@pytest.fixture
def ready(tracked: Home) -> Home:
    (tracked.root / "digits").mkdir()
    return tracked


def follow(home: Home, warn: Callable[[str], None]) -> TrackedStudy:
    return TrackedStudy(home, "digits", home.tracking_uri, warn)


def whole_study(config: Path) -> Iterator[Event]:
    """Two trials beside each other, one of which fails, with what is unusual in a value."""
    yield STARTED
    yield TrialStarted(0, PARAMS, {"trial": 0})
    yield TrialStarted(1, {})
    yield Epoch(0, 1, {"val_accuracy": 0.5, "grad_norm": float("inf"), "train_loss": float("nan")})
    yield Epoch(1, 1, {"val_accuracy": 0.5})
    yield TrialEnded(1, "FAIL", {}, {"message": "KeyError: 'größe'\n\x1b[31m"})
    yield TrialEnded(0, "COMPLETE", {"best_val_accuracy": 0.5}, {"verdict": "healthy"}, [config])
    yield StudyEnded("FINISHED", {"best_value": 0.5})


@pytest.mark.parametrize("name", TRACKERS)
class TestEveryTracker:
    def test_takes_a_whole_study_in_silence(
        self, ready: Home, name: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("WANDB_API_KEY", SECRET)
        (ready.root / "digits" / "config.json").write_text("{}")
        warnings: list[str] = []
        tracker = open_trackers([name], follow(ready, warnings.append))
        for event in whole_study(ready.root / "digits" / "config.json"):
            tracker.tell(event)
        assert tracker.close(60) == 0
        assert warnings == []
        assert capfd.readouterr() == ("", "")
        assert not any(SECRET.encode() in path.read_bytes() for path in ready.root.rglob("*") if path.is_file())

    def test_goes_on_with_a_trial_that_was_paused(self, ready: Home, name: str) -> None:
        for epochs in ((1, 2), (2, 3)):
            warnings: list[str] = []
            tracker = open_trackers([name], follow(ready, warnings.append))
            for event in (STARTED, TrialStarted(0, PARAMS), *(Epoch(0, e, {"val_accuracy": e / 4}) for e in epochs)):
                tracker.tell(event)
            assert tracker.close(60) == 0
            assert not [warning for warning in warnings if "lost" in warning]

    def test_takes_an_event_at_once(self, ready: Home, name: str) -> None:
        """Whatever its package does meanwhile: import, migrate a database, start a process."""
        tracker = open_trackers([name], follow(ready, print))
        slowest = 0.0
        for event in whole_study(ready.root / "none.json"):
            began = time.perf_counter()
            tracker.tell(event)
            slowest = max(slowest, time.perf_counter() - began)
        tracker.close(60)
        assert slowest < 0.5  # of a single one, on a busy machine; an import alone takes longer

    def test_writes_nothing_outside_of_the_home(self, ready: Home, name: str, tmp_path: Path) -> None:
        (tmp_path / "mine").mkdir()
        for folder in ("tensorboard", "wandb"):
            (ready.root / "digits" / folder).symlink_to(tmp_path / "mine")
        tracker = open_trackers([name], follow(ready, lambda warning: None))
        for event in whole_study(ready.root / "none.json"):
            tracker.tell(event)
        tracker.close(60)
        assert list((tmp_path / "mine").iterdir()) == []

    def test_says_how_its_package_is_installed(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        kind = TRACKERS.find(name)
        if kind.extra is None:
            assert choose_trackers([name]) == (name,)
            return
        monkeypatch.setitem(TRACKERS._things, name, kind._replace(extra=Extra(kind.extra.name, "not_installed")))
        with pytest.raises(StudyError, match=f"--track {name}: not_installed is not installed") as raised:
            choose_trackers([name])
        assert len(str(raised.value).splitlines()) <= 3
        assert f"[{name}]" in str(raised.value)


class Breaking:
    """Raises on each event, as a package does whose disk is full."""

    def __init__(self, told: list[Event]) -> None:
        self.told = told

    def tell(self, event: Event) -> None:
        self.told.append(event)
        raise OSError(28, "No space left on device")

    def close(self, timeout_s: float) -> int:
        raise RuntimeError("https://user:s3cr3t@host is gone")


class Keeping(NullTracker):
    def __init__(self) -> None:
        self.told: list[Event] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)

    def close(self, timeout_s: float) -> int:
        return 7


EVENTS = [STARTED, TrialStarted(0, PARAMS), Epoch(0, 1, {"val_accuracy": 0.5}), TrialEnded(0, "COMPLETE")]


@pytest.mark.parametrize("background", [False, True])
def test_one_that_raises_on_each_event_is_named_once_and_the_others_go_on(background: bool) -> None:
    warnings: list[str] = []
    breaking, keeping = Breaking([]), Keeping()
    first: Tracker = BackgroundTracker("a", lambda: breaking, warnings.append) if background else breaking
    tracker = SeveralTrackers({"a": first, "b": keeping}, warnings.append)
    for event in EVENTS:
        tracker.tell(event)
    assert tracker.close(10) == 7
    assert warnings == ["tracker a: [Errno 28] No space left on device; what it misses is lost, all else goes on"]
    assert breaking.told == keeping.told == EVENTS


def test_one_that_cannot_be_opened_is_named_once() -> None:
    def opener() -> Tracker:
        raise ImportError("no module of that package\nat all")

    warnings: list[str] = []
    tracker = BackgroundTracker("a", opener, warnings.append)
    for event in EVENTS:
        tracker.tell(event)
    assert tracker.close(10) == 0
    assert warnings == ["tracker a: no module of that package; what it misses is lost, all else goes on"]


def test_one_that_hangs_is_left_behind(home: Home) -> None:
    class Hanging(NullTracker):
        def tell(self, event: Event) -> None:
            time.sleep(60)

    warnings: list[str] = []
    tracker = BackgroundTracker("a", Hanging, warnings.append)
    tracker.tell(STARTED)
    began = time.monotonic()
    assert tracker.close(0.1) == 0
    assert time.monotonic() - began < 10
    assert warnings == ["tracker a: not done after 0 s; what it has not written is lost"]


def test_an_interrupt_is_no_failure_of_a_tracker() -> None:
    class Interrupted(NullTracker):
        def tell(self, event: Event) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SeveralTrackers({"a": Interrupted()}, pytest.fail).tell(STARTED)


def test_names() -> None:
    assert TRACKERS.names() == ("mlflow", "none", "tensorboard", "wandb")
    assert choose_trackers(["tensorboard", "mlflow,tensorboard"]) == ("tensorboard", "mlflow")
    assert choose_trackers([]) == ("none",)
    with pytest.raises(StudyError, match="unknown tracker 'tensorbord'; did you mean tensorboard"):
        choose_trackers(["tensorbord"])
    with pytest.raises(StudyError, match="stands alone, got mlflow, none"):
        choose_trackers(["mlflow", "none"])
    with pytest.raises(StudyError, match="a name is registered once"):
        register_tracker("mlflow")(lambda study: NullTracker())


def test_no_package_of_a_tracker_is_imported_before_it_is_opened(run_python: Any) -> None:
    script = (
        "import sys; from hpo.studies.tracking.tracker_kinds import TRACKERS, choose_trackers\n"
        "choose_trackers(n for n in TRACKERS if n != 'none')\n"
        "print(sorted({'mlflow', 'tensorboard', 'wandb', 'tensorflow', 'torch'} & sys.modules.keys()))"
    )
    assert run_python(script) == "[]\n"


@pytest.fixture
def run_python() -> Callable[[str], str]:
    import subprocess
    import sys

    def run(script: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ
        )
        return done.stdout

    return run
