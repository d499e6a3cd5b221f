"""Looking at a home's studies without SQLAlchemy gives what Optuna's own storage gives."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime
from pathlib import Path

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.lookup import newest_study, study_names
from hpo.studies.records.reader import SqliteReader, open_to_read
from hpo.studies.records.summarise import list_studies, summarise
from hpo.studies.store.storage import open_storage
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

PARAMS = {"lr": 0.1, "width": 16, "name": "sgd"}
DISTRIBUTIONS = {
    "lr": FloatDistribution(0.01, 1, log=True),
    "width": IntDistribution(8, 32, step=8),
    "name": CategoricalDistribution(["sgd", 3, None, True]),
}


@pytest.fixture
def full(home: Home) -> Home:
    """A home with two studies, with trials of every state, a value of every kind, and an empty one."""
    storage = open_storage(home.storage_url)
    for name, direction in (("first", "maximize"), ("second", "minimize")):
        study = optuna.create_study(study_name=name, storage=storage, direction=direction)
        study.set_user_attr(attributes.OBJECTIVE_METRIC, "val_accuracy")
        study.set_user_attr("note", {"a": [1, None, "ü"]})
        for value in (0.5, 0.25):
            made = create_trial(
                value=value,
                params=PARAMS,
                distributions=DISTRIBUTIONS,
                intermediate_values={1: 0.1, 3: float("nan"), 2: float("-inf")},
                user_attrs={attributes.CONFIG: "{}", "x": [1]},
                system_attrs={"s": 1},
            )
            study.add_trial(made)
        study.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: float("inf")}))
        study.add_trial(create_trial(state=TrialState.FAIL))
        study.enqueue_trial({"lr": 0.5})
        study.ask()
    optuna.create_study(study_name="empty", storage=storage)
    return home


def test_all_is_read_as_optuna_reads_it(full: Home) -> None:
    theirs, ours = open_storage(full.storage_url), open_to_read(None, full)
    assert isinstance(ours, SqliteReader)
    assert study_names(ours) == study_names(theirs)
    assert newest_study(ours) == newest_study(theirs)
    assert repr(list_studies(ours)) == repr(list_studies(theirs))  # as text: NaN is no equal of itself
    for name in ("first", "second", "empty"):
        study_id = theirs.get_study_id_from_name(name)
        assert ours.get_study_id_from_name(name) == study_id
        assert ours.get_study_directions(study_id) == theirs.get_study_directions(study_id)
        assert ours.get_study_user_attrs(study_id) == theirs.get_study_user_attrs(study_id)
        assert ours.get_n_trials(study_id) == theirs.get_n_trials(study_id)
        trials = theirs.get_all_trials(study_id)
        assert repr(ours.get_all_trials(study_id)) == repr(trials)
        for trial in trials:
            found = ours.get_trial_id_from_study_id_trial_number(study_id, trial.number)
            assert found == trial._trial_id
            assert repr(ours.get_trial(found)) == repr(trial)


def test_what_is_not_there_is_told_as_elsewhere(full: Home, tmp_path: Path) -> None:
    ours = open_to_read(None, full)
    with pytest.raises(StudyError, match="no study is called 'frist'; did you mean first"):
        summarise(ours, "frist")
    for call in (lambda: ours.get_trial(999), lambda: ours.get_trial_id_from_study_id_trial_number(1, 99)):
        with pytest.raises(KeyError):
            call()
    nowhere = Home(tmp_path / "nowhere")
    with pytest.raises(StudyError, match="holds no studies"):
        open_to_read(None, nowhere)
    assert not nowhere.root.exists()


def test_what_another_process_writes_is_seen(full: Home) -> None:
    ours = open_to_read(None, full)
    before = len(summarise(ours, "first").trials)
    optuna.load_study(study_name="first", storage=open_storage(full.storage_url)).ask()
    assert len(summarise(ours, "first").trials) == before + 1
    assert summarise(ours, "first").trials[-1].state == "running"
    assert isinstance(ours.get_all_trials(1)[-1].datetime_start, datetime)


@pytest.mark.parametrize("version", ["v2.4.0.a", "v9.0.0.a"])
def test_other_tables_are_left_to_optuna(full: Home, version: str) -> None:
    with closing(sqlite3.connect(full.storage_file)) as file, file:
        file.execute("UPDATE alembic_version SET version_num = ?", (version,))
    with pytest.raises(StudyError):
        open_to_read(None, full)


def test_a_damaged_file_is_told_in_a_line(full: Home) -> None:
    ours = open_to_read(None, full)
    with closing(sqlite3.connect(full.storage_file)) as file, file:
        file.execute("UPDATE study_directions SET direction = 'UPWARDS'")
    with pytest.raises(StudyError, match="a study's direction must be MINIMIZE or MAXIMIZE, got 'UPWARDS'"):
        summarise(ours, "first")
    with closing(sqlite3.connect(full.storage_file)) as file, file:
        file.execute("DROP TABLE trial_params")
    with pytest.raises(StudyError, match="cannot be read: no such table: trial_params"):
        ours.get_all_trials(1)
    full.storage_file.write_bytes(b"no database" * 100)
    for leftover in full.root.glob("studies.db-*"):
        leftover.unlink()
    with pytest.raises(StudyError, match="is not an SQLite database"):
        open_to_read(None, full)


def test_a_look_imports_neither_sqlalchemy_nor_torch(full: Home) -> None:
    script = (
        "import sys; from hpo.search.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(*sorted({'sqlalchemy', 'alembic', 'torch', 'mlflow', 'scipy'} & set(sys.modules)), file=sys.stderr)"
    )
    for command in ("show", "studies"):
        done = subprocess.run(
            [sys.executable, "-c", script, command, "--home", str(full.root)],
            capture_output=True, text=True, check=False, env={**os.environ},
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "\n")
        assert "second" in done.stdout
