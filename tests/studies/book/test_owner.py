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
from hpo.studies.book.owner import FOREIGN_GRACE_S, GRACE_S, Owner, is_foreign, is_gone, is_orphan
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

ELSEWHERE = "another-host"


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield process
        process.kill()


def owner_of(pid: int) -> Owner:
    return replace(Owner.me(), pid=pid, started=psutil.Process(pid).create_time())


def attribute(owner: Owner, seen: float = 0.0) -> dict[str, Any]:
    return owner.as_attribute(seen)


def test_this_process_lives() -> None:
    me = Owner.me()
    assert (me.host, me.pid) == (socket.gethostname(), os.getpid())
    assert me.alive()
    assert not is_gone(attribute(me), now=1e12, grace_s=0.0)  # its heartbeat is old, but here the process is looked at


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
    assert is_gone(attribute(owner), now=0.0, grace_s=1e9)


def test_a_stopped_process_is_not_gone(child: "subprocess.Popen[bytes]") -> None:
    child.send_signal(signal.SIGSTOP)
    assert owner_of(child.pid).alive()


def test_a_pid_used_again_is_another_process(child: "subprocess.Popen[bytes]") -> None:
    owner = owner_of(child.pid)
    assert replace(owner, started=owner.started + 1).alive()  # the clock was set by a second
    assert not replace(owner, started=owner.started - 3600).alive()


def test_no_process_outlives_a_reboot() -> None:
    assert not replace(Owner.me(), boot="an earlier one").alive()


@pytest.mark.parametrize(("age", "gone"), [(0, False), (299, False), (301, True)])
def test_on_another_host_the_heartbeat_speaks(age: float, gone: bool) -> None:
    owner = replace(Owner.me(), host=ELSEWHERE)
    assert is_gone(attribute(owner, seen=1000.0), now=1000.0 + age, grace_s=300.0) is gone


def running(at: float, **facts: Any) -> FrozenTrial:
    """A running trial that began at `at` seconds since the epoch."""
    trial = create_trial(state=TrialState.RUNNING, **facts)
    trial.datetime_start = datetime.fromtimestamp(at)
    return trial


NOW = 1_800_000_000.0
PARAMS: dict[str, Any] = {"params": {"x": 0.5}, "distributions": {"x": FloatDistribution(0, 1)}}


@pytest.mark.parametrize(
    ("facts", "foreign", "grace_s"),
    [
        ({}, False, GRACE_S),  # asked for, and nothing since: hpo writes its owner down before it draws a value
        ({"user_attrs": {"config": "{}", "owner": None}, **PARAMS}, False, GRACE_S),  # waited to be continued
        ({"user_attrs": {"config": "{}"}, **PARAMS}, False, GRACE_S),
        (PARAMS, True, FOREIGN_GRACE_S),
        ({"intermediate_values": {1: 0.5}}, True, FOREIGN_GRACE_S),
        ({"user_attrs": {"owner": "alice"}, **PARAMS}, True, FOREIGN_GRACE_S),  # their own word for something else
        ({"user_attrs": {"owner": {"pid": 1}}, **PARAMS}, True, FOREIGN_GRACE_S),
        ({"system_attrs": {"fixed_params": {"x": 0.5}}}, False, GRACE_S),  # somebody enqueued it
    ],
)
def test_a_trial_without_an_owner_is_given_time(facts: dict[str, Any], foreign: bool, grace_s: float) -> None:
    trial = running(NOW, **facts)
    assert is_foreign(trial.user_attrs, bool(trial.params or trial.intermediate_values)) is foreign
    for age, orphan in ((0.0, False), (grace_s - 1, False), (grace_s + 1, True)):
        assert is_orphan(running(NOW - age, **facts), None, NOW) is orphan


@pytest.mark.parametrize("age", [10.0, 1e7])
def test_the_heartbeat_of_another_program_is_believed(age: float) -> None:
    assert not is_orphan(running(NOW - age, **PARAMS), GRACE_S - 1, NOW)
    assert is_orphan(running(NOW - age, **PARAMS), GRACE_S + 1, NOW)


def test_an_owner_is_asked_before_anything_else(child: "subprocess.Popen[bytes]") -> None:
    noted = {"user_attrs": {"owner": attribute(owner_of(child.pid))}}
    assert not is_orphan(running(0.0, **noted), 1e9, NOW)
    child.kill()
    child.wait()
    assert is_orphan(running(NOW, **noted), 0.0, NOW)
