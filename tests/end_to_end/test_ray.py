"""`hpo run --executor ray` as its user sees it, on a cluster of two nodes on two machines."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hpo.studies import attributes
from optuna.trial import TrialState
from sqlalchemy import make_url

from ..ray_cluster import RayCluster, ray_cluster
from ..servers import Server
from ..warm.start import HPO
from .conftest import SMALL, Finished, Shell, finish
from .test_shared_checkpoints import NET, trials_of

pytestmark = pytest.mark.slow
Wait = Callable[..., None]
TRAINER = "hpo.search.executors.worker"
EPOCHS = 150  # of 0.03 s: a checkpoint is on its way for longer than that
FEW = 50  # long enough for the second coordinator to come while trials are left


def pointing(home: Path) -> list[int]:
    """The trials that point to a shared checkpoint."""
    trials = trials_of(f"sqlite:///{home / 'studies.db'}") if (home / "studies.db").exists() else []
    return [trial.number for trial in trials if trial.user_attrs.get(attributes.CHECKPOINT)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as made:
        made.start(cpus=1)
        made.start(machine=1, cpus=1)
        yield made


class Inside:
    """Commands on the first machine of a cluster, in a folder of their own."""

    def __init__(self, cluster: RayCluster, directory: Path) -> None:
        self.cluster, self.directory = cluster, directory
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        environment = {**Shell(self.directory).environment, **self.cluster.environment}
        process = subprocess.Popen(
            [*self.cluster.prefix, HPO, *arguments], cwd=self.directory, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def end(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()

    def search_command(self, *arguments: str, trials: int, epochs: int = 2) -> list[str]:
        place = ["--executor", "ray", "--ray-address", self.cluster.address, "--tracking-uri", "none"]
        return ["run", *SMALL, "--trials", str(trials), "--epochs", str(epochs), *place, *arguments]

    def search(self, *arguments: str, trials: int = 3, epochs: int = 2) -> Finished:
        return finish(self.start(*self.search_command(*arguments, trials=trials, epochs=epochs)), 240)


@pytest.fixture
def inside(cluster: RayCluster, tmp_path: Path) -> Iterator[Inside]:
    made = Inside(cluster, tmp_path)
    yield made
    made.end()


def test_a_search_on_a_cluster(inside: Inside, cluster: RayCluster, wait_until: Wait) -> None:
    """Killed, continued, interrupted and continued: each trial once, with a model of one's own and its files."""
    (inside.directory / "net.py").write_text(NET)
    (inside.directory / "junk").mkdir()
    own = ["--set", "model={name: ./net.py:Net}"]
    home = inside.directory / "runs"
    first = inside.start(*inside.search_command(*own, trials=4, epochs=EPOCHS))
    wait_until(lambda: len(pointing(home)) == 2, "two trials have shared a checkpoint")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    wait_until(lambda: not cluster.processes(TRAINER), "nothing outlives the coordinator")
    second = inside.start(*inside.search_command(*own, trials=4, epochs=EPOCHS))
    wait_until(lambda: bool(cluster.processes(TRAINER)), "trials run again")
    second.send_signal(signal.SIGINT)
    interrupted = finish(second, 120)
    assert interrupted.code == 130, interrupted.err
    done = inside.search(*own, "--json", trials=4, epochs=EPOCHS)
    assert done.code == 0, done.err
    assert "began anew" not in done.err
    trials = trials_of(f"sqlite:///{home / 'studies.db'}")
    assert len(trials) == 4
    complete = [trial for trial in trials if trial.state is TrialState.COMPLETE]
    assert all(sorted(trial.intermediate_values) == [*range(1, EPOCHS + 1)] for trial in complete)
    folder = home / "simple_cnn" / "trials" / str(complete[0].number)
    assert len(json.loads((folder / "result.json").read_text())["history"]) == EPOCHS
    assert json.loads((folder / "config.json").read_text())["model"]["name"].startswith(str(home))
    log = (home / "simple_cnn" / "study.json").read_text()
    assert cluster.token not in done.out + done.err + interrupted.err + log


def test_two_coordinators_share_a_study_and_a_cluster(inside: Inside, postgres: Server) -> None:
    # the machines of the cluster reach nothing but each other: the database is found by its socket in a folder
    url = make_url(postgres.database()).set(host="", query={"host": str(postgres.folder)})
    storage = url.render_as_string(hide_password=False)
    (inside.directory / "net.py").write_text(NET)
    own = ["--set", "model={name: ./net.py:Net}", "--pruner", "none", "--workers", "1"]
    command = inside.search_command("--storage", storage, *own, "--json", trials=6, epochs=FEW)
    started = [inside.start(*command, "--home", home, "--checkpoint-dir", "store") for home in ("a", "b")]
    done = [finish(each, 240) for each in started]
    assert [each.code for each in done] == [0, 0], [each.err for each in done]
    assert len(trials_of(storage)) == 6
    owners = [len([*(inside.directory / home).glob("simple_cnn/trials/*/result.json")]) for home in ("a", "b")]
    assert sum(owners) == 6
    assert min(owners) >= 1


def test_from_outside_of_the_cluster(inside: Inside) -> None:
    done = inside.search("--ray-address", "ray://10.77.0.1:10001", "--json", trials=2)
    assert done.code == 0, done.err
    assert sum(done.json["trials"].values()) == 2


def test_what_is_refused(inside: Inside, cluster: RayCluster) -> None:
    refused = inside.search("--cpus-per-trial", "8").refused()
    assert "no node of the cluster has 8 CPUs for a trial" in refused
    nobody = inside.search("--ray-address", "10.77.0.1:1", trials=1)
    assert nobody.code == 1
    assert "error: --ray-address 10.77.0.1:1:" in nobody.err
    assert (
        "--checkpoint-dir none: the nodes of a cluster share them"
        in inside.search("--checkpoint-dir", "none").refused()
    )


def test_a_cluster_that_strangers_may_use_is_refused(tmp_path: Path) -> None:
    with ray_cluster(token="") as open_cluster:
        open_cluster.start(cpus=1)
        inside = Inside(open_cluster, tmp_path)
        refused = inside.search(trials=1)
        assert "it answers without a token" in refused.refused()
        assert inside.search("--ray-unauthenticated", trials=1, epochs=1).code == 0
