"""Is the owner of a trial still there? Asked of real processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import psutil
import pytest
from hpo.studies.book.owner import FOREIGN_GRACE_S, Owner, is_foreign, is_gone, is_orphan
from hpo.studies.waiting import GRACE_S
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

ELSEWHERE = "another-host"


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def owner_of(pid: int) -> Owner:
    return replace(Owner.me(), pid=pid, started=psutil.Process(pid).create_time() - psutil.boot_time())


def attribute(owner: Owner, seen: float = 0.0) -> dict[str, Any]:
    return owner.as_attribute(seen)


def test_this_process_lives() -> None:
    me = Owner.me()
    assert (me.host, me.pid) == (socket.gethostname(), os.getpid())
    assert me.alive()
    assert not is_gone(attribute(me), silent_s=1e12)  # nothing was heard of it, but here the process is looked at


def test_a_killed_process_is_gone(child: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(child.pid)
    assert owner.alive()
    child.send_signal(signal.SIGKILL)
    # nobody has waited for it: it is a zombie, which holds its pid
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not owner.alive()
    child.wait()
    assert not owner.alive()
    assert is_gone(attribute(owner), silent_s=0.0)


def test_a_stopped_process_is_not_gone(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGSTOP)
    assert owner_of(child.pid).alive()


def test_a_pid_used_again_is_another_process(child: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(child.pid)
    assert not replace(owner, started=owner.started - 3600).alive()


@pytest.mark.parametrize("set_by_s", [-301.0, 301.0, 1e7])
def test_a_process_outlives_that_the_clock_is_set(monkeypatch: pytest.MonkeyPatch, set_by_s: float) -> None:
    """On Linux the time of the boot, from which psutil counts, moves with the clock."""
    owner, boot_time = Owner.me(), psutil.boot_time()
    for module in (psutil, psutil._psplatform):
        monkeypatch.setattr(module, "boot_time", lambda: boot_time + set_by_s)
    assert psutil.Process().create_time() != pytest.approx(owner.started + boot_time, abs=300)
    assert owner.alive()


def test_a_process_of_an_older_version_is_known_by_the_time_of_day(child: "subprocess.Popen[bytes]") -> None:
    owner = replace(owner_of(child.pid), started=psutil.Process(child.pid).create_time())
    assert owner.alive()
    assert not replace(owner, started=owner.started - 3600).alive()


def test_no_process_outlives_a_reboot() -> None:
    assert not replace(Owner.me(), boot="an earlier one").alive()


@pytest.mark.parametrize(("silent_s", "gone"), [(0, False), (GRACE_S, False), (GRACE_S + 1, True)])
def test_on_another_host_silence_speaks(silent_s: float, gone: bool) -> None:
    owner = replace(Owner.me(), host=ELSEWHERE, boot="another")
    assert is_gone(attribute(owner, seen=1000.0), silent_s) is gone


@pytest.mark.parametrize("elsewhere", [{"boot": "another"}, {"pid_namespace": "pid:[1]"}])
def test_a_host_of_the_same_name_is_another_one(elsewhere: dict[str, str]) -> None:
    owner = replace(Owner.me(), pid=1, started=0.0, **elsewhere)  # type: ignore[arg-type]
    assert not is_gone(attribute(owner), silent_s=GRACE_S)


def test_a_host_that_has_changed_its_name_is_the_same(child: "subprocess.Popen[bytes]") -> None:
    owner = replace(owner_of(child.pid), host=ELSEWHERE)
    assert not is_gone(attribute(owner), silent_s=1e12)
    child.kill()
    child.wait()
    assert is_gone(attribute(owner), silent_s=0.0)


def test_everybody_is_judged_by_the_grace_that_he_has_asked_for() -> None:
    owner = replace(Owner.me(), boot="another").as_attribute(0.0, grace_s=10 * GRACE_S)
    assert not is_gone(owner, silent_s=10 * GRACE_S)
    assert is_gone(owner, silent_s=10 * GRACE_S + 1)


def running(at: float, **facts: Any) -> FrozenTrial:
    """A running trial that began at `at` seconds since the epoch."""
    trial = create_trial(state=TrialState.RUNNING, **facts)
    trial.datetime_start = datetime.fromtimestamp(at)
    return trial


NOW = 1_800_000_000.0
PARAMS: dict[str, Any] = {"params": {"x": 0.5}, "distributions": {"x": FloatDistribution(0, 1)}}


@pytest.mark.parametrize(
    "facts",
    [
        {},  # asked for, and nothing since: hpo writes its owner down before it draws a value
        {"user_attrs": {"config": "{}", "owner": None}, **PARAMS},  # waited to be continued
        {"user_attrs": {"config": "{}"}, **PARAMS},
        {"system_attrs": {"fixed_params": {"x": 0.5}}},  # somebody enqueued it
    ],
)
@pytest.mark.parametrize("age_s", [-1e7, 0.0, 1e7])
def test_a_trial_of_ours_without_an_owner_is_given_time_whatever_its_start(facts: dict[str, Any], age_s: float) -> None:
    trial = running(NOW - age_s, **facts)
    assert not is_foreign(trial.user_attrs, bool(trial.params or trial.intermediate_values))
    assert not is_orphan(trial, GRACE_S, NOW)
    assert is_orphan(trial, GRACE_S + 1, NOW)


@pytest.mark.parametrize(
    "facts",
    [
        PARAMS,
        {"intermediate_values": {1: 0.5}},
        {"user_attrs": {"owner": "alice"}, **PARAMS},  # their own word for something else
        {"user_attrs": {"owner": {"pid": 1}}, **PARAMS},
    ],
)
def test_another_program_has_a_day_for_its_trial(facts: dict[str, Any]) -> None:
    trial = running(NOW, **facts)
    assert is_foreign(trial.user_attrs, bool(trial.params or trial.intermediate_values))
    for silent_s in (0.0, 1e7):
        for age_s, orphan in ((0.0, False), (FOREIGN_GRACE_S - 1, False), (FOREIGN_GRACE_S + 1, True)):
            assert is_orphan(running(NOW - age_s, **facts), silent_s, NOW) is orphan


@pytest.mark.parametrize("age_s", [-1e7, 10.0, 1e7])
def test_the_heartbeat_of_another_program_is_believed(age_s: float) -> None:
    assert not is_orphan(running(NOW - age_s, **PARAMS), GRACE_S - 1, NOW, has_heartbeat=True)
    assert is_orphan(running(NOW - age_s, **PARAMS), GRACE_S + 1, NOW, has_heartbeat=True)


def test_an_owner_is_asked_before_anything_else(child: "subprocess.Popen[bytes]") -> None:
    noted = {"user_attrs": {"owner": attribute(owner_of(child.pid))}}
    assert not is_orphan(running(0.0, **noted), 1e9, NOW, has_heartbeat=True)
    child.kill()
    child.wait()
    assert is_orphan(running(NOW, **noted), 0.0, NOW, has_heartbeat=True)
