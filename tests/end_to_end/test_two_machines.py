"""Two coordinators that cannot look each other up, as on two machines of one name, with clocks four hours apart."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import optuna
import psutil
import pytest
from hpo.studies import attributes
from hpo.studies.store.plain_storage import PlainStorage
from hpo.studies.store.storage import open_storage
from hpo.studies.waiting import LEAST_GRACE_S
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import text

from ..servers import Server
from .coordinator import EPOCHS

TRIALS = 10
NAMESPACES = ["unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--pid", "--fork", "--uts"]
NAMESPACES += ["--mount-proc", "--kill-child"]
FAKETIME = "/usr/$LIB/faketime/libfaketime.so.1"  # what its command `faketime` preloads, without a shared memory by pid
MACHINE = 'hostname same && LD_PRELOAD=$0 exec "$@"'


@dataclass
class Machine:
    """A machine named `same` on which a coordinator runs; its trials' values are `base` and a bit."""

    process: "subprocess.Popen[str]"
    base: float

    def signal(self, number: int) -> None:
        """Signal the coordinator, from outside of its machine."""
        (coordinator,) = psutil.Process(self.process.pid).children()
        coordinator.send_signal(number)

    def has(self, trial: FrozenTrial) -> bool:
        values = trial.intermediate_values.values()
        return bool(values) and all(self.base < value < self.base + 0.5 for value in values)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str, str, float], Machine]]:
    """Start a coordinator of the study at a URL on a machine whose clock is wrong by `offset`, such as `+2h`."""
    if not [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1")]:
        pytest.skip("no libfaketime on this machine")
    if shutil.which("unshare") is None or subprocess.run([*NAMESPACES, "hostname", "same"], check=False).returncode:
        pytest.skip("no namespaces of pids and host names on this machine")
    started: list[subprocess.Popen[str]] = []

    def begin(url: str, offset: str, base: float) -> Machine:
        script = [sys.executable, str(Path(__file__).with_name("coordinator.py"))]
        arguments = [url, str(TRIALS), str(LEAST_GRACE_S), str(tmp_path / offset), str(base)]
        process = subprocess.Popen(
            [*NAMESPACES, "sh", "-c", MACHINE, FAKETIME, *script, *arguments],
            env={**os.environ, "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        started.append(process)
        return Machine(process, base)

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def is_amid_transaction(storage: PlainStorage) -> bool:
    """Whether anybody has begun a transaction that waits for its next statement."""
    begun = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND pid <> pg_backend_pid()"
    with storage.engine.connect() as connection:
        return bool(connection.execute(text(begun)).scalar_one())


@pytest.mark.slow
def test_none_loses_a_trial_to_a_clock_and_who_is_frozen_past_its_grace_goes_on_with_another(
    postgres: Server, start: Callable[[str, str, float], Machine], wait_until: Callable[..., None]
) -> None:
    url = postgres.emptied()
    storage = open_storage(url)
    assert isinstance(storage, PlainStorage)
    study = optuna.create_study(storage=storage, study_name="s", direction="maximize")
    ahead, behind = start(url, "+2h", 0.0), start(url, "-2h", 0.5)

    def running() -> list[FrozenTrial]:
        """What the one whose clock is ahead is in the middle of, once each has ended a trial."""
        for each in (ahead, behind):
            assert each.process.poll() is None, each.process.communicate()
        trials = study.get_trials(deepcopy=False)
        ended = [trial for trial in trials if trial.state is TrialState.COMPLETE]
        if not all(any(map(each.has, ended)) for each in (ahead, behind)):
            return []
        of_it = [trial for trial in trials if trial.state is TrialState.RUNNING and ahead.has(trial)]
        return [trial for trial in of_it if len(trial.intermediate_values) < EPOCHS - 2]

    def is_frozen() -> bool:
        """Frozen it is where no transaction is begun, which the server would end after two minutes."""
        if not running():
            return False
        ahead.signal(signal.SIGSTOP)
        if running() and not is_amid_transaction(storage):
            return True
        ahead.signal(signal.SIGCONT)
        return False

    wait_until(is_frozen, "each works, one is frozen")
    (frozen,) = running()
    before = frozen.intermediate_values
    assert frozen.user_attrs[attributes.OWNER]["host"] == "same"
    assert {trial.user_attrs[attributes.GENERATION] for trial in study.get_trials(deepcopy=False)} == {1}

    def is_taken_over() -> bool:
        return bool(study.get_trials(deepcopy=False)[frozen.number].user_attrs[attributes.GENERATION] == 2)

    wait_until(is_taken_over, "the frozen one loses its trial")
    ahead.signal(signal.SIGCONT)
    told = [machine.process.communicate() for machine in (ahead, behind)]
    assert [machine.process.returncode for machine in (ahead, behind)] == [0, 0], told
    lost = f"trial {frozen.number} was taken over by another coordinator; its training here stops"
    assert [line for line in told[0][0].splitlines() if line] == [lost]
    assert [err for _, err in told] == ["", ""]

    trials = study.get_trials(deepcopy=False)
    assert [trial.number for trial in trials] == [*range(TRIALS)]
    assert {trial.state for trial in trials} == {TrialState.COMPLETE}
    generations = {trial.number: trial.user_attrs[attributes.GENERATION] for trial in trials}
    assert generations == {number: 1 + (number == frozen.number) for number in range(TRIALS)}
    values = trials[frozen.number].intermediate_values
    assert {epoch: value for epoch, value in values.items() if value < behind.base} == before
    assert any(ahead.has(trial) and trial.number > frozen.number + 1 for trial in trials)  # other work
