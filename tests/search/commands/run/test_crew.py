"""Workers that are started before it is known what they will do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from hpo.errors import SpaceError
from hpo.search.commands.run.crew import LocalCrew
from hpo.search.commands.run.options import RunOptions
from hpo.search.executors.base import Ended, Event, Job
from hpo.search.executors.devices import place
from hpo.search.executors.preflight import Preflight
from hpo.training.config import TrialConfig
from hpo.training.machine.numerics import Numerics


def options(**given: Any) -> RunOptions:
    return RunOptions("simple_cnn", 5, **{"device": "cpu", "workers": 2, **given})


def workers() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "hpo.search.executors.worker" in child.cmdline()]


def test_on_a_cpu_they_run_at_once_and_no_more_than_there_are_trials(tmp_path: Path) -> None:
    for jobs, count in ((5, 2), (1, 1), (0, 0)):
        with LocalCrew(options(), 1, tmp_path / "study" / "workers", jobs):
            assert len(workers()) == count
        assert workers() == []
        assert list(tmp_path.iterdir()) == []  # nothing was run, and nothing is left


def test_they_get_the_trials(digits_pack: Path, small_config: Callable[..., TrialConfig], tmp_path: Path) -> None:
    logs, config = tmp_path / "study" / "workers", small_config(budget={"epochs": 1})
    with LocalCrew(options(), 1, logs, 1) as crew:
        (early,) = workers()
        executor = crew.executor(place("cpu", 2, gpus=0), None)
        assert executor.slots == 1
        executor.submit(Job(0, config, tmp_path / "trial", digits_pack))
        events: list[Event] = []
        while not events or not isinstance(events[-1], Ended):
            events = executor.next_events(30)
        assert workers() == [early]
    assert isinstance(events[-1], Ended)
    assert events[-1].result.status == "finished"
    assert [path.name for path in logs.iterdir()] == ["worker-0.log"]


def test_what_an_earlier_run_left_stays(tmp_path: Path) -> None:
    logs = tmp_path / "study" / "workers"
    logs.mkdir(parents=True)
    (logs / "worker-0.log").write_text("of then\n")
    with pytest.raises(KeyboardInterrupt), LocalCrew(options(), 1, logs, 3):
        raise KeyboardInterrupt
    assert workers() == []
    assert (logs / "worker-0.log").read_text() == "of then\n"


@pytest.mark.parametrize("given", [{"workers": 1}, {"workers": 2}, {"executor": "inline", "workers": 1}])
def test_models_are_tried_with_the_threads_of_a_training(
    given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    crew = LocalCrew(options(**given), 1, tmp_path / "workers", 3)
    ready = Preflight(tmp_path, "fingerprint", 3, 1, 0, Numerics("fp32", "off"), ())
    assert {placement.threads for placement in crew.placements(ready)} == {crew.threads}
    assert (crew.threads == 3) == ("executor" in given)


def test_where_cards_have_to_be_counted_first_nothing_is_started(tmp_path: Path) -> None:
    with (
        LocalCrew(options(device="cuda"), 1, tmp_path / "workers", 3),
        LocalCrew(options(executor="inline"), 1, tmp_path / "w", 3),
    ):
        assert workers() == []
    with pytest.raises(SpaceError, match="--workers"), LocalCrew(options(workers=0), 1, tmp_path / "workers", 3):
        pass
