"""`hpo suggest-space`: from a study in a store to a file that loads."""

import json
import shutil
from collections.abc import Mapping
from math import log10
from pathlib import Path
from typing import Any

import hpo
import optuna
import pytest
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space
from hpo.studies.files import SPACE_FILE
from hpo.studies.home import Home
from hpo.studies.records.effects import TRIALS

from .searched import searched, space_from


def value(params: Mapping[str, Any]) -> float:
    if params["optimizer"] == "adamw":
        return 0.5 + 0.05 * log10(params["optimizer.adamw.lr"] / 1e-6)
    return 0.9 - 0.1 * abs(log10(params["optimizer.sgd.lr"] / 0.03))


def without_adamw(params: Mapping[str, Any]) -> float:
    return value(params) - (params["optimizer"] == "adamw")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three studies of one space: the objective of the second has AdamW much worse, the third is short."""
    folder = tmp_path_factory.mktemp("made")
    home, space = Home(folder / "runs"), space_from(folder)
    searched(home, space, value, 60, "wide")
    searched(home, space, without_adamw, 140, "another")
    searched(home, space, value, TRIALS - 1, "few")
    return home.root


@pytest.fixture
def wide(made: Path, home: Home) -> Home:
    """A copy of it, and of the file of its space beside it."""
    shutil.copytree(made, home.root)
    shutil.copy(made.parent / "wide.yaml", home.root.parent)
    return home


def test_a_study_says_what_to_search_next(wide: Home, tmp_path: Path) -> None:
    suggested = hpo.suggest_space("wide", home=wide.root, out=tmp_path / "next.yaml")
    best = optuna.load_study(storage=wide.storage_url, study_name="wide").best_trial
    assert (suggested.study, suggested.trials, suggested.best) == ("wide", 60, best.number)
    assert suggested.path is not None
    assert suggested.path.read_text() == suggested.text
    space = load_space(str(suggested.path), SpaceFile)
    assert space.fixed["data.source"] == "digits"
    assert [clause.words for clause in space.forbidden]
    assert {change.key for change in suggested.changes} >= {"optimizer.sgd.lr"}
    assert f"trial {suggested.best}, the best one" in suggested.text
    told = suggested.to_json()
    assert told["space"] == suggested.text
    assert json.loads(json.dumps(told)) == told


def test_the_study_goes_on_where_its_trials_still_teach(wide: Home) -> None:
    suggested = hpo.suggest_space("wide", home=wide.root)
    assert suggested.continues
    assert suggested.command == "hpo run --space FILE --study wide --accept-space-change"
    suggested = hpo.suggest_space("another", home=wide.root)
    assert not suggested.continues  # a branch is gone, and with it the names of dimensions
    assert suggested.command.endswith("--study NEW --warm-start another")


def test_too_few_trials_are_refused(wide: Home) -> None:
    with pytest.raises(hpo.HpoError, match=rf"follows from {TRIALS} trials .*, got {TRIALS - 1}"):
        hpo.suggest_space("few", home=wide.root)


def test_a_file_is_not_written_over(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "next.yaml"
    out.write_text("mine")
    with pytest.raises(hpo.HpoError, match="is there already"):
        hpo.suggest_space(home=home.root, out=out)
    assert out.read_text() == "mine"


def test_a_study_of_another_program_needs_its_space(home: Home, tmp_path: Path) -> None:
    home.root.mkdir()
    study = optuna.create_study(storage=f"sqlite:///{home.root}/studies.db", study_name="theirs")
    study.optimize(lambda trial: trial.suggest_float("optimizer.lr", 1e-4, 1.0, log=True), n_trials=TRIALS)
    with pytest.raises(hpo.HpoError, match=r"hpo did not make it, .*--space"):
        hpo.suggest_space(home=home.root)
    file = tmp_path / "lr.yaml"
    file.write_text("optimizer: {name: sgd, lr: {low: 1e-4, high: 1.0, log: true}}\n")
    suggested = hpo.suggest_space(home=home.root, space=str(file))
    assert not suggested.continues
    (tmp_path / "next.yaml").write_text(suggested.text)
    assert load_space(str(tmp_path / "next.yaml"), SpaceFile).priors() == study.best_params


def test_a_space_that_is_elsewhere_is_asked_for(wide: Home, tmp_path: Path) -> None:
    (wide.study("wide") / SPACE_FILE).unlink()
    with pytest.raises(hpo.HpoError, match=r"its space is not in this home .*--space"):
        hpo.suggest_space("wide", home=wide.root)
    assert hpo.suggest_space("wide", home=wide.root, space=str(tmp_path / "wide.yaml")).changes


def test_what_a_study_says_of_itself_ends_no_comment(home: Home, tmp_path: Path) -> None:
    hostile = "x\nmodel: {name: evil}\u2028\x1b[2J"
    file = tmp_path / "lr.yaml"
    file.write_text("optimizer: {name: sgd, lr: {low: 1e-4, high: 1.0, log: true}}\n")
    home.root.mkdir()
    study = optuna.create_study(storage=f"sqlite:///{home.root}/studies.db", study_name=hostile)
    study.optimize(lambda trial: trial.suggest_float("optimizer.lr", 1e-4, 1.0, log=True), n_trials=TRIALS)
    text = hpo.suggest_space(home=home.root, space=str(file)).text
    assert not [line for line in text.splitlines() if line.startswith("model")]
    assert "\x1b" not in text
    (tmp_path / "next.yaml").write_text(text)
    load_space(str(tmp_path / "next.yaml"), SpaceFile)


def test_the_command_prints_a_space_or_its_changes(
    wide: Home, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from hpo.search.cli.app import app

    ask = ["suggest-space", "wide", "--home", str(wide.root)]
    app(ask, standalone_mode=False)
    printed = capsys.readouterr()
    (tmp_path / "next.yaml").write_text(printed.out)
    space = load_space(str(tmp_path / "next.yaml"), SpaceFile)
    assert printed.err.startswith("search it with: hpo run --space FILE")
    app([*ask, "--out", str(tmp_path / "out.yaml")], standalone_mode=False)
    assert "optimizer.sgd.lr narrowed: from 0.0001 to 1, log" in capsys.readouterr().out
    app([*ask, "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    (tmp_path / "told.yaml").write_text(told["space"])
    assert load_space(str(tmp_path / "told.yaml"), SpaceFile).canonical() == space.canonical()
