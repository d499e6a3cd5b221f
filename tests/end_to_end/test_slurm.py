"""Searches as jobs of Slurm: two at once, told that their time is up, and a cluster of Ray in each."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from optuna.trial import TrialState

from ..servers import Server
from ..slurm_cluster import Slurm, slurm_cluster
from .conftest import SMALL, Shell
from .test_shared_checkpoints import trials_of

pytestmark = pytest.mark.slow
Wait = Callable[..., None]


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with slurm_cluster() as made:
        yield made


def submit(slurm: Slurm, shell: Shell, *arguments: str, job: tuple[str, ...] = ()) -> str:
    """Submit what `hpo slurm-script` prints; return the job's number."""
    run = [*SMALL, "--tracking-uri", "none", *arguments]
    printed = shell.run("slurm-script", *job, "--", *run)
    assert printed.code == 0, printed.err
    return slurm.ask("sbatch", "--parsable", f"--chdir={shell.directory}", input=printed.out).strip()


def ended(slurm: Slurm, *jobs: str) -> bool:
    return all(slurm.state(job) in ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL") for job in jobs)


def log_of(shell: Shell, job: str) -> str:
    return (shell.directory / f"hpo-{job}.log").read_text()


def test_coordinators_on_two_nodes_pause_when_told_and_go_on_in_line(
    slurm: Slurm, shell: Shell, postgres: Server, wait_until: Wait
) -> None:
    url = postgres.database()
    (shell.directory / "database").write_text(url)
    run = ("--storage", "@database", "--trials", "6", "--epochs", "12", "--workers", "1")
    job = submit(slurm, shell, *run, "--checkpoint-dir", "shared", job=("--nodes", "2"))
    wait_until(lambda: len([t for t in trials_of(url) if t.intermediate_values]) >= 2, "two nodes train")
    slurm.ask("scancel", "--signal=TERM", "--batch", job)  # what Slurm does when the time is up
    wait_until(lambda: slurm.state(job) == "PENDING", "it is in line again")
    running = [trial.number for trial in trials_of(url) if trial.state is TrialState.RUNNING]
    assert not running, log_of(shell, job)
    slurm.ask("scontrol", "update", f"JobId={job}", "StartTime=now")
    wait_until(lambda: ended(slurm, job), "it ends")
    log = log_of(shell, job)
    assert slurm.state(job) == "COMPLETED", log
    assert "began anew" not in log
    trials = trials_of(url)
    assert len(trials) == 6
    assert all(trial.state.is_finished() for trial in trials)


def test_two_jobs_with_a_cluster_each_at_once(slurm: Slurm, shell: Shell, wait_until: Wait) -> None:
    run = ("--trials", "3", "--epochs", "2")
    job = ("--ray", "--cpus", "1")
    jobs = [submit(slurm, shell, *run, "--home", home, job=job) for home in ("a", "b")]
    wait_until(lambda: ended(slurm, *jobs), "both end")
    for number, home in zip(jobs, ("a", "b"), strict=True):
        assert slurm.state(number) == "COMPLETED", log_of(shell, number)
        summary = summarise(open_storage(f"sqlite:///{shell.directory / home / 'studies.db'}"), "simple_cnn")
        assert summary.counts["complete"] + summary.counts["pruned"] == 3
        assert not Path(f"/tmp/hpo-ray-{number}").exists()
    processes = [path for path in Path("/proc").glob("[0-9]*/environ") if os.access(path, os.R_OK)]
    ours = [f"SLURM_JOB_ID={number}".encode() for number in jobs]
    left = [path for path in processes if any(name in _read(path) for name in ours)]
    assert left == [], "a job ends all that it has started"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
