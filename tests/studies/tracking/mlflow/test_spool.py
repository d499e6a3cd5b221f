from pathlib import Path

import pytest
from hpo.studies.tracking.mlflow.spool import Cursor, SpoolWriter, read_cursor, read_events, unsent, write_cursor


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "trials" / "0" / "spool.jsonl"


def write(spool: Path, *epochs: int) -> None:
    writer = SpoolWriter(spool)
    for epoch in epochs:
        writer.append("epoch", {"epoch": epoch})
    writer.close()
    assert writer.failed == 0


def epochs(spool: Path, offset: int = 0) -> list[int]:
    return [event.facts["epoch"] for event in read_events(spool, offset)[0]]


def test_events_come_back_in_order_from_any_line_on(spool: Path) -> None:
    write(spool, 1, 2)
    _, offset = read_events(spool, 0)
    write(spool, 3)
    assert epochs(spool) == [1, 2, 3]
    assert epochs(spool, offset) == [3]


@pytest.mark.parametrize("kept", range(1, 30))
def test_a_line_cut_off_anywhere_costs_only_itself(spool: Path, kept: int) -> None:
    write(spool, 1)
    whole = spool.read_bytes()
    spool.write_bytes(whole + whole[: min(kept, len(whole) - 2)])
    assert epochs(spool) == [1]
    assert read_events(spool, 0)[1] == len(whole)  # the rest may still be on its way
    write(spool, 3)
    assert epochs(spool) == [1, 3]


def test_a_line_that_is_no_event_is_passed_over(spool: Path) -> None:
    write(spool, 1)
    with spool.open("ab") as file:
        file.write(b'\xff\xfe\n[]\n{"kind":"epoch"}\n\0\0\0\n')
    write(spool, 2)
    assert epochs(spool) == [1, 2]


def test_a_line_longer_than_one_read_is_read_whole(spool: Path) -> None:
    writer = SpoolWriter(spool)
    writer.append("end", {"text": "x" * 3_000_000})
    writer.append("epoch", {"epoch": 1})
    first, *_ = read_events(spool, 0)[0]
    assert len(first.facts["text"]) == 3_000_000
    assert unsent(spool, "store") == 2


def test_a_spool_that_cannot_be_written_counts_what_is_lost(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    writer = SpoolWriter(tmp_path / "file" / "spool.jsonl")
    writer.append("epoch", {"epoch": 1})
    writer.append("epoch", {"epoch": 2})
    assert writer.failed == 2


def test_what_json_does_not_know_is_written_as_text(spool: Path) -> None:
    SpoolWriter(spool).append("start", {"params": {"path": Path("a/b"), "rate": float("nan")}})
    (event,), _ = read_events(spool, 0)
    assert event.facts["params"]["path"] == "a/b"


def test_a_cursor_is_read_as_written(spool: Path) -> None:
    write(spool, 1, 2, 3)
    cursor = Cursor("store", offset=10, run_id="r", artifact_uri="a", epoch=3)
    write_cursor(spool, cursor)
    assert read_cursor(spool, "store") == cursor


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"store": "store", "unknown": 1}', b'{"store":"other"}', b"\xff"]
)
def test_a_cursor_that_cannot_be_used_is_at_the_start(spool: Path, content: bytes) -> None:
    write(spool, 1)
    spool.with_name("spool.cursor").write_bytes(content)
    assert read_cursor(spool, "store") == Cursor("store")


def test_a_cursor_past_the_end_belongs_to_another_file(spool: Path) -> None:
    write(spool, 1)
    write_cursor(spool, Cursor("store", offset=10_000, run_id="r"))
    assert read_cursor(spool, "store") == Cursor("store")


def test_unsent_events_are_counted_per_store(spool: Path) -> None:
    write(spool, 1, 2)
    write_cursor(spool, Cursor("store", offset=read_events(spool, 0)[1]))
    write(spool, 3)
    assert (unsent(spool, "store"), unsent(spool, "another")) == (1, 3)
