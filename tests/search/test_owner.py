"""Is the owner of a trial still there? Asked of real processes."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
from hpo.search.owner import Owner, is_gone

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


@pytest.mark.parametrize("nothing", [None, {}])
def test_a_trial_without_an_owner_is_an_orphan(nothing: dict[str, Any] | None) -> None:
    assert is_gone(nothing, now=0.0, grace_s=300.0)
