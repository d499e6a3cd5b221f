"""A study has one place for its shared files, whoever opens it, and a machine without them gets what they are."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import pytest
from hpo.errors import StudyError
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.shared_files.entry import Entry, TamperedError
from hpo.studies.shared_files.location import open_location
from hpo.studies.shared_files.study_files import SharedNote, StudyFiles, choose_store, join, noted_files, shared_files
from hpo.studies.store.storage import open_storage
from optuna.storages import RDBStorage

from ...servers import PASSWORD, S3_SECRET, Server

DIGEST = "ab" * 32


@pytest.fixture
def storage(postgres: Server) -> RDBStorage:
    storage = open_storage(postgres.emptied())
    optuna.create_study(storage=storage, study_name="my study", direction="maximize")
    return storage


def joined(storage: RDBStorage, folder: Path) -> StudyFiles:
    return join(storage, "my study", open_location(str(folder)))


def choose(storage: RDBStorage, given: str | None) -> list[str]:
    """The notes of a coordinator that is given a place; where it is."""
    notes: list[str] = []
    store = choose_store(given, noted_files(storage, "my study"), "my study", notes.append)
    return [*notes, store.location if store else "home"]


def refused(storage: RDBStorage, given: str | None) -> str:
    with pytest.raises(StudyError) as caught:
        choose(storage, given)
    assert len(str(caught.value).splitlines()) <= 3
    return str(caught.value)


def test_coordinators_that_open_a_study_at_once_have_one_place(storage: RDBStorage, tmp_path: Path) -> None:
    url = storage.engine.url.render_as_string(hide_password=False)
    with ThreadPoolExecutor(4) as pool:
        opened = pool.map(lambda _: joined(open_storage(url), tmp_path / "shared"), range(4))
        prefixes = {files.prefix for files in opened}
    assert len(prefixes) == 1
    assert prefixes.pop().startswith("my_study-")
    assert len(list((tmp_path / "shared").iterdir())) == 1


def test_another_place_is_refused_and_the_same_by_another_path_is_not(storage: RDBStorage, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    assert choose(storage, None) == ["home"]
    joined(storage, shared)
    (tmp_path / "mounted").symlink_to(shared)
    assert choose(storage, str(tmp_path / "mounted")) == [f"{tmp_path}/mounted"]
    assert refused(storage, None) == (
        f"study my study shares files in {shared}, and nothing is written there unasked\n"
        f"  --checkpoint-dir {shared} goes on so, --checkpoint-dir none without"
    )
    without = f"without the files in {shared} trials that come from other machines begin anew"
    assert choose(storage, "none") == [without, "home"]
    words = refused(storage, str(tmp_path / "other"))
    assert words.startswith(f"study my study shares files in {shared}, which {tmp_path}/other is not: ")
    assert words.endswith("--checkpoint-dir names the same place on every machine, or is none to do without")
    assert not (tmp_path / "other").exists()
    with pytest.raises(StudyError, match=r"which .*/other is not"):
        joined(storage, tmp_path / "other")


def test_no_attribute_and_no_message_has_a_secret(
    s3: str, storage: RDBStorage, capfd: pytest.CaptureFixture[str]
) -> None:
    store = choose_store(s3, None, "my study", print)
    assert store is not None
    join(storage, "my study", store)
    noted = optuna.load_study(study_name="my study", storage=storage).user_attrs
    words = refused(storage, "s3://no-such-bucket-of-hpo/x")
    for secret in (S3_SECRET, PASSWORD):
        assert secret not in str(noted) + words + "".join(capfd.readouterr())


def test_a_url_with_secrets_is_kept_without_them_and_has_to_be_given(storage: RDBStorage) -> None:
    join(storage, "my study", open_location("memory://ann:s3cr3t@host/x"))
    with pytest.raises(StudyError) as caught:
        shared_files(None, noted_files(storage, "my study"), "my study")
    words = "study my study shares files in memory://ann:***@host/x; give the URL with --checkpoint-dir"
    assert str(caught.value) == words


@pytest.mark.parametrize("location", ["zip::/x", "github://a:b@/", "memory://x", "ssh://host/x", "s3://b::zip://x"])
def test_a_driver_that_a_study_names_is_not_loaded_unasked(location: str) -> None:
    with pytest.raises(StudyError, match="give the URL with --checkpoint-dir"):
        shared_files(None, SharedNote(location, "x-1", {}), "s")


def test_what_a_study_needs_is_fetched_where_it_is_not(storage: RDBStorage, tmp_path: Path) -> None:
    here, there = Home(tmp_path / "here"), Home(tmp_path / "there")
    model = f"models/{DIGEST}/net.py"
    texts = {"space.yaml": "model: {}", "study.json": "{}", model: "import torch"}
    for path, text in texts.items():
        file = here.study("my study", path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    files = joined(storage, tmp_path / "shared")
    files.keep(storage, {path: here.study("my study", path) for path in texts})
    objects = {path: path.stat().st_mtime_ns for path in (tmp_path / "shared").rglob("*")}
    files.keep(storage, {"space.yaml": here.study("my study", "space.yaml")})  # by another coordinator, or later
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "shared").rglob("*")} == objects
    here.study("my study", "study.json").write_text("{ }")
    texts["study.json"] = "{ }"
    files.keep(storage, {"study.json": here.study("my study", "study.json")})
    assert len(files.store.keys(f"{files.prefix}/files")) == 3  # what nobody points to is gone
    noted = noted_files(storage, "my study")
    assert noted is not None
    there.study("my study").mkdir(parents=True)
    there.study("my study", "space.yaml").write_text("mine")
    source = shared_files(None, noted, "my study")
    assert source is not None
    source.fetch(noted.files, there)
    texts["space.yaml"] = "mine"  # what is there stays
    assert {path: there.study("my study", path).read_text() for path in texts} == texts


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/x",
        "trials/0/last.ckpt",
        "models/x/net.py",
        f"models/{DIGEST}/../../space.yaml",
        "export/model.pt2",
        "mlflow.json",
    ],
)
def test_a_file_that_a_study_names_lands_nowhere_else(tmp_path: Path, path: str) -> None:
    store = open_location(str(tmp_path / "shared"))
    source = tmp_path / "evil"
    source.write_text("evil")
    entry = Entry.of("x-1/files", source)
    entry.put(store, source)
    with pytest.raises(StudyError, match="names a shared file as hpo does not"):
        StudyFiles("s", store, "x-1").fetch({path: entry}, Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_a_link_in_the_home_leads_nothing_out(tmp_path: Path) -> None:
    store, home = open_location(str(tmp_path / "shared")), Home(tmp_path / "home")
    source = tmp_path / "file"
    source.write_text("text")
    entry = Entry.of("x-1/files", source)
    entry.put(store, source)
    home.study("s").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    home.study("s").joinpath("models").symlink_to(tmp_path / "outside")
    with pytest.raises(StudyError, match="is a link out of the home"):
        StudyFiles("s", store, "x-1").fetch({f"models/{DIGEST}/net.py": entry}, home)
    assert not list((tmp_path / "outside").iterdir())


def test_a_file_that_was_exchanged_is_refused(tmp_path: Path) -> None:
    store, home = open_location(str(tmp_path / "shared")), Home(tmp_path / "home")
    source = tmp_path / "net.py"
    source.write_text("good")
    entry = Entry.of("x-1/files", source)
    (tmp_path / "shared" / "x-1" / "files").mkdir(parents=True)
    (tmp_path / "shared" / entry.key).write_text("evil")
    with pytest.raises(TamperedError):
        StudyFiles("s", store, "x-1").fetch({f"models/{DIGEST}/net.py": entry}, home)
    assert not list(home.root.rglob("*.py"))


@pytest.mark.parametrize("noted", [1, "x", {"location": "/x"}, {"location": "/x", "prefix": "../y", "files": {}}])
def test_a_note_that_hpo_did_not_write_is_refused(noted: object) -> None:
    with pytest.raises(StudyError, match="in a form that hpo does not write"):
        SharedNote.of({attributes.SHARED_FILES: noted})
