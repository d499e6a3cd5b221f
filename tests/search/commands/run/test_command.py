"""What a command of a search says is read and checked once, before anything is made."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.commands.run.options import RunOptions
from hpo.search.commands.run.outset import check_command
from hpo.search.configuration.search_settings import SearchNames


def nobody(*_: object) -> None:
    pass


def options(tmp_path: Path, **flags: str) -> RunOptions:
    file = tmp_path / "params.yaml"
    file.write_text("optimizer.lr: 0.01\n")
    return RunOptions(space="simple_cnn", data="digits", trials=3, try_file=file, home=tmp_path / "runs", **flags)


def test_the_trials_and_the_names_go_on_with_the_command(tmp_path: Path) -> None:
    command = check_command(options(tmp_path, pruner="asha"), nobody)
    assert [dict(trial.params) for trial in command.tried] == [{"optimizer.lr": 0.01}]
    assert command.names == SearchNames("pruning", None, "asha")
    assert not (tmp_path / "runs").exists()


def test_names_that_exclude_each_other_are_refused_first(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="pruner asha: strategy rungs decides by itself"):
        check_command(options(tmp_path, strategy="rungs", pruner="asha"), nobody)
    assert not (tmp_path / "runs").exists()
