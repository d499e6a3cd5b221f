"""A study goes on in another home, to which it came as a file."""

import shutil

import pytest

from .conftest import Shell

RUNGS = ("--strategy", "rungs", "--set", "budget.epochs=5", "--max-epochs-total", "6")


@pytest.mark.slow
def test_a_study_goes_on_where_it_came_to(shell: Shell) -> None:
    first = shell.search(*RUNGS, trials=8, epochs=5)
    assert first.code == 0, first.err
    sent = shell.run("export-study", "simple_cnn")
    assert sent.code == 0, sent.err
    before = shell.run("show", "simple_cnn", "--json").json
    shutil.move(shell.directory / "runs", shell.directory / "gone")
    came = shell.run("import-study", "simple_cnn.study.zip", "--json")
    assert came.code == 0, came.err
    assert shell.run("show", "simple_cnn", "--json").json == before
    more = shell.search(*RUNGS[:-1], "14", trials=8, epochs=5)
    assert more.code == 0, more.err
    after = shell.run("show", "simple_cnn", "--json").json
    assert (before["epochs_total"], after["epochs_total"]) == (6, 14)
