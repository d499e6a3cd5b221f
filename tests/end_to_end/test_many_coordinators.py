"""One study in a database server, searched by several commands, each with a home of its own."""

import threading
import time
from pathlib import Path

import optuna
import pytest
from hpo.studies import attributes
from hpo.studies.store.storage import open_storage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import make_url

from ..servers import PASSWORD, Server, Wire
from .conftest import Finished, Shell, finish

HIDDEN = ("s3cr3t", make_url("x://").set(password=PASSWORD, username="u").render_as_string(hide_password=False)[6:-1])


def begin(shell: Shell, url: str, *arguments: str, trials: int = 6) -> Finished:
    """Search with three commands at once, and wait for all."""
    (shell.directory / "url").write_text(f"{url}\n")
    storage = ("--storage", f"@{shell.directory}/url")
    commands = [
        shell.start(*shell.search_command(*storage, "--home", f"home-{each}", *arguments, trials=trials, epochs=2))
        for each in range(3)
    ]
    ended = [finish(command) for command in commands]
    assert [each.code for each in ended] == [0, 0, 0], [each.err for each in ended]
    return Finished(0, "".join(each.out for each in ended), "".join(each.err for each in ended))


def trials_of(url: str) -> list[FrozenTrial]:
    return optuna.load_study(study_name="simple_cnn", storage=open_storage(url)).get_trials(deepcopy=False)


def check(trials: list[FrozenTrial], total: int) -> None:
    """As many trials as were asked for, the first guess once, no two alike, each run by one command."""
    assert [trial.number for trial in trials] == [*range(total)]
    assert all(trial.state.is_finished() for trial in trials)
    assert sum(bool(trial.user_attrs.get(attributes.PRIOR)) for trial in trials) == 1
    assert len({str(sorted(trial.params.items())) for trial in trials}) == total
    assert {trial.user_attrs[attributes.GENERATION] for trial in trials} == {1}


@pytest.mark.slow
def test_three_commands_on_an_empty_database_over_a_slow_wire_make_one_study(shell: Shell, server: Server) -> None:
    wire = Wire(server.port, delay_s=0.005)
    url = server.database()
    ended = begin(shell, wire.through(url))
    wire.close()
    check(trials_of(url), 6)
    files = [path.read_bytes() for path in shell.directory.rglob("*") if path.is_file() and path.name != "url"]
    for secret in HIDDEN:
        assert secret not in ended.out + ended.err
        assert not any(secret.encode() in content for content in files)
    study = optuna.load_study(study_name="simple_cnn", storage=open_storage(url))
    assert not any(secret in str(study.user_attrs) for secret in HIDDEN)


@pytest.mark.slow
def test_the_server_restarts_in_the_middle_and_nothing_is_lost(shell: Shell, postgres: Server) -> None:
    url = postgres.database()

    def restart() -> None:
        while not Path(shell.directory / "url").exists() or not _has_begun(url):
            time.sleep(0.2)
        postgres.end()
        time.sleep(3)
        postgres.begin()

    restarting = threading.Thread(target=restart)
    restarting.start()
    begin(shell, url)
    restarting.join()
    trials = trials_of(url)
    assert [trial.number for trial in trials] == [*range(6)]
    assert {trial.state for trial in trials} <= {TrialState.COMPLETE, TrialState.PRUNED}
    assert all(sorted(trial.intermediate_values)[:1] == [1] for trial in trials)


def _has_begun(url: str) -> bool:
    storage = open_storage(url)
    names = {study.study_name: study._study_id for study in storage.get_all_studies()}
    return "simple_cnn" in names and any(
        trial.state is TrialState.RUNNING for trial in storage.get_all_trials(names["simple_cnn"], deepcopy=False)
    )
