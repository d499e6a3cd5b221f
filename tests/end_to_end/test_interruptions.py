"""Killed, interrupted, cut off: nothing finished is lost, and the study ends with exactly what was asked for."""

import os
import resource
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from hpo.search.loop.checkpoints import KEPT

from ..warm.start import children_of
from .conftest import Shell, finish

Wait = Callable[..., None]

PREFLIGHT = "hpo.training.preflight.preflight"

FEW = ("--set", "data.max_train=500")  # a third of the digits: what was interrupted is trained to its end

pytestmark = pytest.mark.slow  # workers that import torch


def reported_epochs(home: Path) -> int:
    """How many epochs the store holds; read as another program would."""
    path = home / "studies.db"
    if not path.exists():
        return 0
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
            return int(connection.execute("select count(*) from trial_intermediate_values").fetchone()[0])
    except sqlite3.OperationalError:  # the schema is not there yet
        return 0


def workers_of(pid: int) -> list[psutil.Process]:
    """The workers of command `pid` that live."""
    return children_of(pid, "hpo.search.executors.worker")


def test_ctrl_c_once_keeps_everything_and_says_how_to_go_on(shell: Shell, wait_until: Wait) -> None:
    command = shell.search_command("--workers", "2", *FEW, trials=4, epochs=20)
    process = shell.start(*command)
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 5, "five epochs")
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    assert "same command" in done.err
    assert "Traceback" not in done.err
    shown = shell.run("show", "--json").json
    assert shown["trials"]["running"] == 0
    before = reported_epochs(shell.directory / "runs")
    again = shell.run(*command, "--json")
    assert again.code == 0, again.err
    assert sum(again.json["trials"].values()) == 4
    assert again.json["trials"]["waiting"] == 0
    assert reported_epochs(shell.directory / "runs") > before


def test_ctrl_c_while_the_store_is_away_ends_the_search_and_the_next_run_finds_what_it_lacks(
    shell: Shell, wait_until: Wait
) -> None:
    command = shell.search_command("--workers", "2", *FEW, trials=2, epochs=30)
    process = shell.start(*command)
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 5, "five epochs")
    with closing(sqlite3.connect(shell.directory / "runs" / "studies.db")) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        process.send_signal(signal.SIGINT)
        done = finish(process)
        assert done.code == 130, done.err
    words = "the study's store does not answer (database is locked): the search ends without it, "
    assert done.err.splitlines()[-1] == f"error: {words}and the next run finds what is not written"
    assert "Traceback" not in done.err
    left = shell.run("show", "--json").json["trials"]
    assert left["running"] == 2
    again = shell.run(*command, "--json")
    assert again.code == 0, again.err
    assert again.json["trials"]["complete"] == 2
    assert reported_epochs(shell.directory / "runs") == 60
    assert again.err.count("its coordinator is gone; it will be continued") == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_is_sent_to_every_process_ends_a_run_as_cleanly(shell: Shell, wait_until: Wait, number: int) -> None:
    """`systemctl stop` and `scancel` signal the workers, too, which go on to their next batch and pause."""
    process = shell.start(*shell.search_command("--workers", "2", trials=4, epochs=200))
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 5, "five epochs")
    for each in (*workers_of(process.pid), psutil.Process(process.pid)):
        each.send_signal(number)
    done = finish(process)
    assert done.code == 130, done.err
    assert "stopping: what runs is paused" in done.out
    assert "lost" not in done.err
    trials = shell.run("show", "--json").json["trials"]
    assert (trials["running"], trials["waiting"]) == (0, 2)


@pytest.mark.usefixtures("cold_children")  # a warm preparation has ended before it can be interrupted
def test_ctrl_c_while_the_data_is_prepared_is_told_in_a_word(shell: Shell, wait_until: Wait) -> None:
    process = shell.start(*shell.search_command(trials=1, epochs=1))
    wait_until(lambda: children_of(process.pid, PREFLIGHT), "preparation")
    (child,) = children_of(process.pid, PREFLIGHT)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    done = finish(process)
    assert (done.code, done.err) == (130, "interrupted\n")
    assert not child.is_running()


def test_a_full_disk_under_the_store_is_told_in_two_lines_and_loses_nothing(shell: Shell, wait_until: Wait) -> None:
    command = shell.search_command("--workers", "1", *FEW, trials=1, epochs=30)
    process = shell.start(*command)
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 2, "two epochs")
    limits = (4096, resource.RLIM_INFINITY)  # no file can grow beyond: the kernel refuses it, as on a full disk
    psutil.Process(process.pid).rlimit(psutil.RLIMIT_FSIZE, limits)
    done = finish(process)
    *_, error, remedy = done.err.splitlines()
    assert done.code == 1
    assert error in ("error: disk I/O error", "error: database or disk is full")
    assert remedy == "  mend that, then run the same command again"
    assert "Traceback" not in done.err
    again = shell.run(*command, "--json")
    assert again.json["trials"]["complete"] == 1, again.err


def test_ctrl_c_twice_ends_at_once_with_a_clean_database(shell: Shell, wait_until: Wait) -> None:
    command = shell.search_command("--workers", "1", trials=2, epochs=200)
    process = shell.start(*command)
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 2, "two epochs")
    (worker,) = workers_of(process.pid)
    worker.suspend()  # a worker that does not answer: the clean way would wait for ever
    process.send_signal(signal.SIGINT)
    with pytest.raises(psutil.TimeoutExpired):
        psutil.Process(process.pid).wait(1.5)
    process.send_signal(signal.SIGINT)
    done = finish(process, timeout_s=20)
    assert done.code == 130, done.err
    assert not worker.is_running()
    shown = shell.run("show", "--json").json
    assert shown["trials"]["running"] == 0
    assert shown["trials"]["waiting"] == 1


@pytest.mark.usefixtures("cold_children")
def test_a_killed_worker_is_replaced_and_its_trial_goes_on(shell: Shell, wait_until: Wait) -> None:
    process = shell.start(*shell.search_command("--workers", "2", "--json", trials=2, epochs=20))
    wait_until(lambda: reported_epochs(shell.directory / "runs") >= 3, "three epochs")
    workers_of(process.pid)[0].kill()
    done = finish(process)
    assert done.code == 0, done.err
    assert "worker lost" in done.err
    assert sum(done.json["trials"].values()) == 2
    assert done.json["trials"]["failed"] == 0
    trials = [shell.run("show", "--trial", str(number), "--json").json for number in (0, 1)]
    assert sorted(trial["attempts"] for trial in trials) == [0, 1]
    assert list(trials[0]["curve"]) == [str(epoch) for epoch in range(1, 21)]


@pytest.mark.parametrize("epochs_seen", [0, 4])
def test_a_killed_coordinator_leaves_a_study_that_goes_on(shell: Shell, wait_until: Wait, epochs_seen: int) -> None:
    home = shell.directory / "runs"
    command = shell.search_command("--workers", "2", *FEW, trials=4, epochs=15)
    process = shell.start(*command)
    wait_until(lambda: bool(workers_of(process.pid)), "workers")
    wait_until(lambda: reported_epochs(home) >= epochs_seen, "epochs")
    orphans = workers_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in orphans), "orphaned workers")
    again = shell.run(*command, "--json")
    assert again.code == 0, again.err
    trials = again.json["trials"]
    assert trials["complete"] + trials["pruned"] == 4
    assert sum(trials.values()) == 4


def test_a_search_at_rungs_that_is_killed_goes_on_where_it_was(shell: Shell, wait_until: Wait) -> None:
    """Every epoch once, exact totals, nobody left paused, no checkpoint but of those that may win."""
    home, trials = shell.directory / "runs", 12
    at_rungs = ("--strategy", "rungs", "--workers", "2", "--study", "s", *FEW)
    command = shell.search_command(*at_rungs, trials=trials, epochs=10)
    process = shell.start(*command)
    wait_until(lambda: paused_trials(home) >= 3, "three paused trials")
    orphans = workers_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in orphans), "orphaned workers")
    # of the three one may have been promoted by then
    assert shell.run("show", "--study", "s", "--json").json["trials"]["paused"] >= 1
    again = shell.run(*command, "--json")
    assert again.code == 0, again.err
    shown = shell.run("show", "--study", "s", "--json").json
    assert again.json["trials"] == shown["trials"]
    assert sum(shown["trials"].values()) == trials == shown["trials"]["complete"] + shown["trials"]["pruned"]
    reached = [len(trial["curve"]) for trial in shown["records"]]
    assert set(reached) <= {1, 2, 4, 5, 10}  # a worker is told to pause at its next batch, which may be an epoch on
    assert reached.count(10) == shown["trials"]["complete"] >= 1
    assert paused_trials(home) == 0
    left = {path.parent.name for path in home.glob("s/trials/*/*.ckpt")}
    assert len(left) <= KEPT
    assert not list(home.glob("s/trials/*/last.ckpt"))


def paused_trials(home: Path) -> int:
    """How many trials are paused at a rung in the store."""
    path = home / "studies.db"
    if not path.exists():
        return 0
    query = "SELECT COUNT(*) FROM trial_user_attributes WHERE key = 'paused' AND value_json != 'null'"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as connection:
            return int(connection.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # the schema is not there yet
        return 0
