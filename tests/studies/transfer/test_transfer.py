"""A study comes out of a store and into another one whole, or not at all."""

import errno
import json
import math
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.artifacts import attach
from hpo.studies.book.owner import Owner
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.studies.transfer import transfer
from hpo.studies.transfer.dump import StudyDump
from hpo.studies.transfer.transfer import Transfer, export_study, import_archive, import_from_store
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState
from optuna_dashboard import save_note
from sqlalchemy import create_engine, text

from ...servers import Server

NAME = "größe 3"
KINDS = {
    "lr": FloatDistribution(1e-5, 1.0, log=True),
    "width": IntDistribution(8, 64, step=8),
    "head": CategoricalDistribution(["a", None, 3]),
}


def fill(storage: optuna.storages.RDBStorage) -> optuna.Study:
    """A study of each kind of thing that a store can hold, beside another study."""
    other = optuna.create_study(storage=storage, study_name="other")
    other.ask()
    study = optuna.create_study(storage=storage, study_name=NAME, direction="maximize")
    study.set_user_attr("space", '{"a": [1, "ü"]}')
    with warnings.catch_warnings(category=optuna.exceptions.ExperimentalWarning, action="ignore"):
        study.set_metric_names(["val_accuracy"])
    for number in range(3):
        trial = study.ask(KINDS)
        trial.report(0.1 + 0.2, 1)
        trial.report([math.nan, math.inf, -math.inf][number], 2)
        if number == 1:
            save_note(trial, "on **one**")
        trial.set_user_attr("config", {"n": number, "text": "a\u0000b"})
        study.tell(trial, [0.5, math.inf, -math.inf][number])
    study.tell(study.ask(KINDS), state=TrialState.FAIL)
    study.enqueue_trial({"lr": 0.1}, user_attrs={attributes.PRIOR: True})
    save_note(study, "a note")
    return study


def facts(trial: FrozenTrial) -> dict[str, Any]:
    """All of a trial but the id that its store gave it."""
    return {
        "number": trial.number,
        "state": trial.state,
        "values": repr(trial.values),
        "params": trial.params,
        "distributions": trial.distributions,
        "epochs": repr(trial.intermediate_values),
        "user": trial.user_attrs,
        "system": trial.system_attrs,
        "start": trial.datetime_start,
        "end": trial.datetime_complete,
    }


def load(url: str, name: str = NAME) -> optuna.Study:
    return optuna.load_study(storage=open_storage(url), study_name=name)


@pytest.fixture
def away(tmp_path: Path) -> Home:
    """The home that a study comes to."""
    return Home(tmp_path / "away")


@pytest.fixture
def filled(home: Home, tmp_path: Path) -> optuna.Study:
    study = fill(open_storage(home.storage_url))
    (tmp_path / "plot.png").write_bytes(b"picture")
    attach(study._storage, NAME, 2, {"plot.png": tmp_path / "plot.png"}, home.attachments)
    folder = home.study(NAME)
    for path, content in {"space.yaml": "a: 1", "trials/0/last.ckpt": "weights", "workers/0.log": "mine"}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    return study


@pytest.fixture
def archive(filled: optuna.Study, home: Home, tmp_path: Path) -> Path:
    path = tmp_path / "s.study.zip"
    export_study(open_storage(home.storage_url), home, NAME, path, checkpoints=True)
    return path


def bring(archive: Path, away: Home, name: str | None = None) -> Transfer:
    return import_archive(archive, away.storage_url, away, name)


def test_an_archive_brings_all_of_a_study(filled: optuna.Study, archive: Path, away: Home) -> None:
    open_storage(away.storage_url)
    optuna.create_study(storage=away.storage_url, study_name="here").ask()
    moved = bring(archive, away)
    study = load(away.storage_url)
    assert [*map(facts, study.trials)] == [*map(facts, filled.trials)]
    assert (study.directions, study.user_attrs) == (filled.directions, filled.user_attrs)
    assert study.metric_names == ["val_accuracy"]
    assert moved.counts["trials"] == 5
    assert moved.counts["epochs"] == 6
    files = {path.relative_to(away.study(NAME)).as_posix() for path in away.study(NAME).rglob("*") if path.is_file()}
    assert files == {"space.yaml", "trials/0/last.ckpt", "imported.json"}


def test_notes_and_files_are_those_of_the_trials_that_have_come(archive: Path, away: Home) -> None:
    other = optuna.create_study(storage=open_storage(away.storage_url), study_name="here")
    for _ in range(10):
        other.ask()
    bring(archive, away)
    study = load(away.storage_url)
    ids = {trial.number: trial._trial_id for trial in study.trials}
    marks = study._storage.get_study_system_attrs(study._study_id)
    assert marks["dashboard:note_str:0"] == "a note"
    assert marks[f"dashboard:{ids[1]}:note_str:0"] == "on **one**"
    (key,) = [key for key in marks if key.startswith("dashboard:artifacts:")]
    _, _, trial_id, artifact = key.split(":")
    assert int(trial_id) == ids[2]
    assert json.loads(marks[key])["filename"] == "plot.png"
    assert (away.attachments / artifact).read_bytes() == b"picture"


def test_a_study_goes_to_a_server_and_back(archive: Path, home: Home, away: Home, server: Server) -> None:
    url = server.emptied()
    import_archive(archive, url, away, "there")
    there = load(url, "there")
    back = Home(away.root.parent / "back")
    again = away.root.parent / "again.study.zip"
    export_study(open_storage(url), away, "there", again, checkpoints=True)
    import_archive(again, back.storage_url, back, NAME)
    before, after = load(home.storage_url).trials, load(back.storage_url).trials
    if there._storage._backend.engine.dialect.name == "mariadb":  # type: ignore[attr-defined]
        for trial in before:  # its columns keep seconds
            trial.datetime_start = trial.datetime_start and trial.datetime_start.replace(microsecond=0)
            trial.datetime_complete = trial.datetime_complete and trial.datetime_complete.replace(microsecond=0)
    assert [*map(facts, after)] == [*map(facts, before)]
    assert (back.study(NAME) / "trials" / "0" / "last.ckpt").read_text() == "weights"


def test_checkpoints_can_be_left_out(filled: optuna.Study, home: Home, tmp_path: Path, away: Home) -> None:
    path = tmp_path / "small.study.zip"
    export_study(open_storage(home.storage_url), home, NAME, path, checkpoints=False)
    bring(path, away)
    assert not [*away.study(NAME).rglob("*.ckpt")]


def test_a_search_goes_on_while_its_study_is_exported(
    filled: optuna.Study, home: Home, tmp_path: Path, away: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = transfer.write_archive

    def writing(path: Path, study: StudyDump, files: dict[str, Path]) -> tuple[int, int]:
        files["home/trials/0/last.ckpt"].unlink()  # as a trial ends that was paused
        return write(path, study, files)

    monkeypatch.setattr(transfer, "write_archive", writing)
    (home.study(NAME) / ".study.json.1.tmp").write_text("half")
    sent = export_study(open_storage(home.storage_url), home, NAME, tmp_path / "s.zip", checkpoints=True)
    came = bring(tmp_path / "s.zip", away)
    assert (sent.files, sent.size, sent.digest) == (came.files, came.size, came.digest)
    assert sorted(path.name for path in away.study(NAME).iterdir()) == ["imported.json", "space.yaml"]


def test_a_study_of_another_program_comes_from_its_store_which_is_left_alone(tmp_path: Path, away: Home) -> None:
    theirs = f"sqlite:///{tmp_path}/theirs.db"
    study = optuna.create_study(storage=theirs, study_name="theirs", directions=["minimize", "maximize"])
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 1.0), n_trials=3)
    before = (tmp_path / "theirs.db").read_bytes()
    away.create(print)
    moved = import_from_store(theirs, away.storage_url, None, "ours")
    assert [*map(facts, load(away.storage_url, "ours").trials)] == [*map(facts, study.trials)]
    assert moved.counts["values"] == 6
    assert (tmp_path / "theirs.db").read_bytes() == before
    assert not [*tmp_path.glob("theirs.db-*")]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("sqlite:///{}/none.db", "does not exist"),
        ("sqlite:///{}/notes.db", "not an SQLite database"),
        ("sqlite:///{}/empty.db", "no such table"),
        ("mssql+pymssql://u:s3cret@host/x", "the database driver is not installed; install pymssql"),
        ("postgresql://u:s3cret@127.0.0.1:1/x", "refused"),
        ("nosuch://u:s3cret@host/x", "unknown database"),
        ("x y", "must be a file of hpo export-study or the URL"),
    ],
)
def test_what_is_no_store_is_refused_in_words(source: str, words: str, tmp_path: Path, away: Home) -> None:
    (tmp_path / "notes.db").write_text("buy milk\n" * 100)
    (tmp_path / "empty.db").touch()
    away.create(print)
    with pytest.raises(StudyError, match=words) as refused:
        import_from_store(source.format(tmp_path), away.storage_url, None, None)
    assert "s3cret" not in str(refused.value)


def test_which_study_of_a_store_must_be_clear(home: Home, filled: optuna.Study, away: Home) -> None:
    away.create(print)
    with pytest.raises(StudyError, match="holds 2 studies: name one with --from-study"):
        import_from_store(home.storage_url, away.storage_url, None, None)
    with pytest.raises(StudyError, match=r"holds no study 'othr'; did you mean other\?"):
        import_from_store(home.storage_url, away.storage_url, "othr", None)


def test_what_ran_is_in_line_again(home: Home, tmp_path: Path, away: Home) -> None:
    study = optuna.create_study(storage=open_storage(home.storage_url), study_name="s")
    running, paused, foreign = (study.ask() for _ in range(3))
    for trial in (running, paused):
        trial.set_user_attr(attributes.OWNER, Owner.me().as_attribute(0.0))
    paused.set_user_attr(attributes.OWNER, None)
    paused.set_user_attr(attributes.PAUSED, {"rung": 1})
    foreign.suggest_float("x", 0, 1)
    export_study(open_storage(home.storage_url), home, "s", tmp_path / "s.zip", checkpoints=True)
    moved = bring(tmp_path / "s.zip", away)
    trials = load(away.storage_url, "s").trials
    assert [trial.state for trial in trials] == [TrialState.WAITING, TrialState.RUNNING, TrialState.RUNNING]
    assert trials[0].user_attrs[attributes.OWNER] is None
    assert moved.in_line == 1


def test_a_name_that_is_taken_is_refused_and_nothing_of_it_changes(archive: Path, away: Home) -> None:
    bring(archive, away)
    with pytest.raises(StudyError, match="already; give the one that comes another name with --study"):
        bring(archive, away)
    bring(archive, away, "second")
    away.study("third").mkdir()
    with pytest.raises(StudyError, match="is there already"):
        bring(archive, away, "third")
    assert load(away.storage_url, "second").trials
    assert not [*away.root.glob(".import-*")]


@pytest.mark.parametrize("name", ["../x", "cache", "a/b", ""])
def test_a_name_that_is_no_study_s_is_refused(archive: Path, away: Home, name: str, tmp_path: Path) -> None:
    rewrite(archive, lambda head: head.update(name=name))
    with pytest.raises(StudyError):
        bring(archive, away)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plot.png", "runs", "s.study.zip"]


class KilledError(BaseException):
    """The end of a process."""


def test_an_import_that_was_killed_is_repeated(archive: Path, away: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "_restore", killed)
        patch.setattr("shutil.rmtree", lambda *_, **__: None)  # who is killed tidies nothing
        with pytest.raises(KilledError):
            bring(archive, away)
    assert away.study(NAME).exists()
    assert not open_storage(away.storage_url).get_all_studies()
    bring(archive, away)
    assert len(load(away.storage_url).trials) == 5


def rewrite(archive: Path, change: Callable[[dict[str, Any]], Any], **files: bytes) -> None:
    """Write an archive anew, with another study.json and other files."""
    with zipfile.ZipFile(archive) as whole:
        contents = {name: whole.read(name) for name in whole.namelist()}
    head = json.loads(contents["study.json"])
    change(head)
    contents |= {"study.json": json.dumps(head).encode(), **files}
    with zipfile.ZipFile(archive, "w") as made:
        for name, content in contents.items():
            made.writestr(name, content)


def add_file(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda head: head["files"].update({name: "0" * 64})


HOSTILE: dict[str, Callable[[Path], None]] = {
    "another count": lambda path: rewrite(path, lambda head: head["counts"].update(trials=6)),
    "another attribute": lambda path: rewrite(path, lambda head: head["attributes"].update(space='"x"')),
    "a file less": lambda path: rewrite(path, add_file("home/gone")),
    "a file more": lambda path: rewrite(path, lambda head: None, **{"home/more": b"x"}),
    "another file": lambda path: rewrite(path, lambda head: None, **{"home/space.yaml": b"b: 2"}),
    "a way out": lambda path: rewrite(path, add_file("home/../../x"), **{"home/../../x": b"x"}),
    "a way out by drive": lambda path: rewrite(path, add_file("home/C:/x"), **{"home/C:/x": b"x"}),
    "an absolute way": lambda path: rewrite(path, add_file("/tmp/x"), **{"/tmp/x": b"x"}),
    "a trial less": lambda path: rewrite(path, lambda head: None, **{"trials.jsonl": b""}),
    "no JSON": lambda path: rewrite(path, lambda head: None, **{"study.json": b"{"}),
    "deep JSON": lambda path: rewrite(path, lambda head: None, **{"trials.jsonl": b"[" * 100_000}),
    "no zip": lambda path: [path.write_bytes(b"x" * 1000), None][1],
    "half a zip": lambda path: [path.write_bytes(path.read_bytes()[:-200]), None][1],
}


@pytest.mark.parametrize("damage", HOSTILE)
def test_what_is_damaged_or_forged_is_refused_and_leaves_nothing(
    archive: Path, away: Home, damage: str, tmp_path: Path
) -> None:
    HOSTILE[damage](archive)
    with pytest.raises(StudyError, match=r"no whole study of hpo export-study"):
        bring(archive, away)
    assert not away.storage_file.exists() or not open_storage(away.storage_url).get_all_studies()
    assert not away.study(NAME).exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path != away.root) == ["plot.png", "runs", "s.study.zip"]


def test_a_file_that_rotted_is_refused(archive: Path, away: Home) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content.replace(b"weights", b"weighty"))
    with pytest.raises(StudyError, match=r"no whole study of hpo export-study: Bad CRC-32"):
        bring(archive, away)
    assert not away.study(NAME).exists()


def test_a_full_disk_is_not_said_to_be_the_archive_s_fault(
    archive: Path, away: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    open_storage(away.storage_url)
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        bring(archive, away)
    monkeypatch.undo()
    assert not away.study(NAME).exists()
    assert not [*away.root.glob(".import-*")]
    bring(archive, away)


def test_a_newer_form_is_refused_in_words(archive: Path, away: Home) -> None:
    rewrite(archive, lambda head: head.update(format=2, hpo="9.9", new=1))
    with pytest.raises(StudyError, match=r"written by hpo 9\.9, in a newer form; update hpo"):
        bring(archive, away)


def test_what_would_stop_every_reader_is_refused(home: Home, filled: optuna.Study, away: Home) -> None:
    engine = create_engine(home.storage_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE trial_params SET distribution_json = '{' WHERE param_name = 'lr'"))
    away.create(print)
    with pytest.raises(StudyError, match="holds what Optuna never writes"):
        import_from_store(home.storage_url, away.storage_url, NAME, None)
    assert not open_storage(away.storage_url).get_all_studies()
