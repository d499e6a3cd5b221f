"""The record of what may be run: outside every home, whole at any time, and bounded."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hpo.common import trust
from hpo.errors import StudyError


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture(autouse=True)
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "hpo" / "record"


def test_what_is_put_there_is_there_once_and_for_this_account_alone(record: Path) -> None:
    assert not trust.is_on_record(digest("a"))
    for _ in range(2):
        trust.put_on_record(digest("a"), "a\nb")
    assert trust.is_on_record(digest("a"))
    assert not trust.is_on_record(digest("b"))
    assert len(record.read_text().splitlines()) == 1
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


def test_what_is_said_of_an_entry_is_no_entry() -> None:
    trust.put_on_record(digest("a"), f"\n{digest('b')} \n{digest('c')}")
    assert not trust.is_on_record(digest("b"))
    assert not trust.is_on_record(digest("c"))


def test_many_at_once_lose_nothing() -> None:
    names = [digest(str(number)) for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: trust.put_on_record(name, "x"), names))
    assert all(map(trust.is_on_record, names))


def test_the_older_half_is_forgotten_where_it_grows_too_large(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_MAX_BYTES", 1000)
    for number in range(50):
        trust.put_on_record(digest(str(number)), "x")
    assert record.stat().st_size < 2000
    assert trust.is_on_record(digest("49"))
    assert not trust.is_on_record(digest("0"))


def test_a_relative_place_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a folder that somebody made, and a user stands in, could bring a record."""
    monkeypatch.chdir(tmp_path)
    for state, home in ((".", str(tmp_path / "me")), ("", str(tmp_path / "me"))):
        monkeypatch.setenv("XDG_STATE_HOME", state)
        monkeypatch.setenv("HOME", home)
        assert trust.record_path() == tmp_path / "me" / ".local" / "state" / "hpo" / "record"
    monkeypatch.setenv("HOME", "here")
    assert trust.record_path() is None
    assert not trust.is_on_record(digest("a"))
    with pytest.raises(StudyError, match="XDG_STATE_HOME"):
        trust.put_on_record(digest("a"), "x")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", os.fspath(tmp_path / "file"))
    assert not trust.is_on_record(digest("a"))
    with pytest.raises(StudyError, match="cannot be written"):
        trust.put_on_record(digest("a"), "x")
