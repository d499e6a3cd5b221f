"""The job script that `hpo slurm-script` prints; tests/end_to_end/test_slurm.py runs it."""

import subprocess
from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.cli.parse import parsed
from hpo.search.commands.run.options import RunOptions
from hpo.search.commands.slurm_script.options import SlurmScriptOptions
from hpo.search.commands.slurm_script.slurm_script import slurm_script

PROGRAM = ["/opt/my venv/bin/hpo", "/opt/my venv/bin/ray", "/opt/my venv/bin/python"]


def script(*arguments: str, **given: Any) -> str:
    run = ("--space", "resnet", "--trials", "9", *arguments)
    return slurm_script(SlurmScriptOptions(run, **given), parsed("run", run, RunOptions), PROGRAM)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HPO_STORAGE", raising=False)


@pytest.mark.parametrize("ray", [False, True])
def test_bash_reads_it_and_the_flags_stay_words(ray: bool) -> None:
    text = script("--set", "data.source=my images; rm -rf /", ray=ray, cpus=8, gpus=2, partition="gpu", account="a-1")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert "'/opt/my venv/bin/hpo' run --space resnet --trials 9 --set 'data.source=my images; rm -rf /'" in text
    for line in ("time=8:00:00", "nodes=1", "cpus-per-task=8", "gpus-per-node=2", "partition=gpu", "account=a-1"):
        assert f"#SBATCH --{line}\n" in text
    assert ("--executor ray" in text) == ray


@pytest.mark.parametrize(("time", "limit"), [("2d", "48:00:00"), ("1h30m", "1:30:00"), ("45m", "0:45:00")])
def test_time_limits(time: str, limit: str) -> None:
    assert f"#SBATCH --time={limit}\n" in script(time=time)


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        ((), {"nodes": 4}, "--nodes 4: the coordinators of several nodes meet in a database on a server"),
        (("--storage", "sqlite:///x.db"), {"nodes": 2}, "--nodes 2: the coordinators of several nodes"),
        (("--storage", "postgresql://me:secret@db/x"), {"nodes": 2}, "others may read a job's script"),
        (("--executor", "ray"), {}, "--executor ray: on the job's own nodes it needs --ray before"),
        ((), {"time": "soon"}, "--time must be a duration such as 8h, 2d or 1h30m, got 'soon'"),
        ((), {"time": "0h"}, "--time must be a duration"),
        ((), {"partition": "a b"}, "--partition must be a name, got 'a b'"),
        (("--workers", "0"), {}, "--workers must be auto or at least 1"),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], given: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words) as error:
        script(*arguments, **given)
    assert "secret" not in str(error.value)


def test_where_the_database_may_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "--nodes=4" in script("--storage", "@/run/secrets/hpo", nodes=4)
    assert "--nodes=4" in script(ray=True, nodes=4)
    monkeypatch.setenv("HPO_STORAGE", "postgresql://me:secret@db/x")
    assert "secret" not in script(nodes=4)
