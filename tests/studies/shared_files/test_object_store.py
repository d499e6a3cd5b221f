"""Every kind of store does the same: whole objects, once, told in words where they cannot be."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hpo.errors import StudyError
from hpo.studies.shared_files.entry import Entry, TamperedError
from hpo.studies.shared_files.location import given_location, open_location, probe
from hpo.studies.shared_files.object_store import KeyTakenError, ObjectStore, ObjectStoreError

Make = Callable[[bytes], Path]


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    kinds = {
        "folder": lambda: str(tmp_path / "shared"),
        "memory": lambda: f"memory://{tmp_path.name}",
        "s3": lambda: request.getfixturevalue("s3"),
    }
    return open_location(kinds[request.param]())


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def make(content: bytes) -> Path:
        file = tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        file.write_bytes(content)
        return file

    return make


def read(store: ObjectStore, key: str) -> bytes:
    with store.open(key) as file:
        return file.read()


def test_an_object_is_written_once(store: ObjectStore, make: Make) -> None:
    store.put("a/b/c", make(b"first"))
    with pytest.raises(KeyTakenError, match="is there already"):
        store.put("a/b/c", make(b"second"))
    assert read(store, "a/b/c") == b"first"
    assert store.keys("a") == ["a/b/c"]
    store.remove("a/b/c")
    store.remove("a/b/c")
    assert store.keys("a") == []
    with pytest.raises(ObjectStoreError, match="a/b/c cannot be read"):
        read(store, "a/b/c")


def test_of_many_writers_one_wins_with_all_that_it_wrote(tmp_path: Path, s3: str, make: Make) -> None:
    files = [make(bytes([number]) * 300_000) for number in range(8)]
    for location in (str(tmp_path / "shared"), s3):
        store = open_location(location)

        def put(file: Path, store: ObjectStore = store) -> bool:
            try:
                store.put("trials/1/one", file)
            except KeyTakenError:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(put, files))
        assert won.count(True) == 1
        assert read(store, "trials/1/one") == files[won.index(True)].read_bytes()
        assert store.keys("trials") == ["trials/1/one"]  # no half of another one is left


@pytest.mark.slow
def test_a_large_object_goes_in_parts_and_comes_back_whole(s3: str, make: Make, tmp_path: Path) -> None:
    store, file = open_location(s3), make(b"0123456789abcdef" * (120 * 2**16))  # 120 MiB: more than one request takes
    entry = Entry.of("large", file)
    entry.put(store, file)
    with pytest.raises(KeyTakenError):
        store.put(entry.key, file)
    entry.fetch(store, tmp_path / "back")
    assert (tmp_path / "back").stat().st_size == entry.bytes == 120 * 2**20


def test_a_store_is_tried_and_left_as_it_was(store: ObjectStore) -> None:
    probe(store)
    assert store.keys("") == []


def test_what_was_tampered_with_is_not_used(store: ObjectStore, make: Make, tmp_path: Path) -> None:
    file, target = make(b"weights"), tmp_path / "target" / "last.ckpt"
    entry = Entry.of("trials", file, "-last.ckpt")
    for content in (b"w3ights", b"weight", b"weights and more"):
        store.put(entry.key, make(content))
        with pytest.raises(TamperedError, match=r"is not the file that was put there; it is not used"):
            entry.fetch(store, target)
        assert not list(target.parent.iterdir())
        store.remove(entry.key)
    entry.put(store, file)
    entry.put(store, file)  # an attempt that is repeated
    entry.fetch(store, target)
    assert target.read_bytes() == b"weights"


@pytest.mark.parametrize("key", ["../x", "/x", "a//b", "a/../b", "", "a\\b", "a\n"])
def test_a_key_that_leads_elsewhere_is_refused(key: str) -> None:
    with pytest.raises(StudyError, match="in a form that hpo does not write"):
        Entry.from_json({"key": key, "bytes": 1, "sha256": "0" * 64})


def refused(location: str) -> str:
    with pytest.raises(StudyError) as caught:
        probe(open_location(location))
    lines = str(caught.value).splitlines()
    assert len(lines) <= 3
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_a_bucket_that_is_not_there_is_told(s3: str) -> None:
    words = refused("s3://no-such-bucket-of-hpo/x")
    assert words.startswith("--checkpoint-dir s3://no-such-bucket-of-hpo/x: cannot be written: The specified bucket")
    assert words.endswith("the same on every machine")


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written: File exists" in refused(str(tmp_path / "file"))
    assert refused(str(tmp_path / "not" / "there")).endswith(
        f"there is no folder {tmp_path / 'not'}; make it, or mount its disk"
    )
    assert "/proc/hpo-checkpoints: cannot be written: " in refused("/proc/hpo-checkpoints")  # not by root either


def test_an_unknown_scheme_is_told() -> None:
    assert "--checkpoint-dir gopher://x" in refused("gopher://x")


def test_secrets_of_a_url_are_not_told() -> None:
    store = open_location("memory://ann:s3cr3t@host/x?token=abc")
    assert "s3cr3t" not in store.location
    assert "abc" not in store.location


def test_a_location_is_given_by_flag_or_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert given_location(None) is None
    assert given_location("shared") == f"{tmp_path}/shared"
    assert given_location("file:///a%20b/c") == "/a b/c"
    monkeypatch.setenv("HPO_CHECKPOINT_DIR", "s3://bucket/prefix/")
    assert given_location(None) == "s3://bucket/prefix"
    assert given_location("none") == "none"
    assert re.fullmatch("/.*/other", str(given_location("other")))
