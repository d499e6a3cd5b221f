"""A user's file is run as it was when the user named it, and no other."""

import os
import shutil
from pathlib import Path

import pytest
from hpo.common import trust
from hpo.errors import TrainingError, TrustError
from hpo.training.models.build import build_model
from hpo.training.models.config import CustomModel, SimpleCnn
from hpo.training.models.source import (
    allow_model,
    keep_model,
    name_model,
    require_model,
    source_digest,
    source_files,
)
from torch import nn


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def net(tmp_path: Path, mark: Path) -> CustomModel:
    """A model whose file leaves a mark when it is run, with a module and a package beside it."""
    folder = tmp_path / "theirs"
    (folder / "parts" / "inner").mkdir(parents=True)
    (folder / "beside_a_net.py").write_text("import parts.inner.core\nWIDTH = 4\n")
    (folder / "parts" / "__init__.py").write_text("")
    (folder / "parts" / "inner" / "core.py").write_text("")
    (folder / "other.py").write_text("")
    (folder / "net.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).write_text('ran')\nfrom torch import nn\n"
        "from beside_a_net import WIDTH\ndef net(num_classes, in_channels):\n    return nn.Linear(WIDTH, num_classes)\n"
    )
    return CustomModel(name=f"{folder}/net.py:net")


def build(config: CustomModel) -> None:
    build_model(config, num_classes=5, in_channels=1, image_size=8)


def test_what_nobody_named_is_not_run(net: CustomModel, mark: Path) -> None:
    for attempt in (build, require_model):
        with pytest.raises(TrustError, match=r"net\.py:net: not run, since you have not named this file") as caught:
            attempt(net)
        assert caught.value.exit_code == 2
    assert not mark.exists()


def test_what_was_named_is_run_now_and_later(net: CustomModel, mark: Path) -> None:
    assert "net.py: named here" in name_model(net)
    assert name_model(net) == ""
    build(net)
    assert mark.exists()
    require_model(net)


@pytest.mark.parametrize("file", ["net.py", "beside_a_net.py", "parts/__init__.py", "parts/inner/core.py"])
def test_an_edited_file_or_one_that_it_imports_is_another(net: CustomModel, mark: Path, file: str) -> None:
    name_model(net)
    path = Path(net.name).parent / file
    path.write_text(path.read_text() + "\nx = 1\n")
    with pytest.raises(TrustError):
        build(net)
    assert not mark.exists()


def test_a_file_beside_it_that_it_does_not_mention_may_change(net: CustomModel) -> None:
    name_model(net)
    (Path(net.name).parent / "other.py").write_text("x = 1\n")
    require_model(net)


def test_the_same_text_elsewhere_is_another(net: CustomModel, tmp_path: Path) -> None:
    """It may find other files beside it."""
    name_model(net)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "net.py").write_text(Path(net.name.removesuffix(":net")).read_text())
    with pytest.raises(TrustError):
        require_model(CustomModel(name=f"{tmp_path}/mine/net.py:net"))


def test_compiled_code_beside_it_is_not_taken_for_it(net: CustomModel, mark: Path) -> None:
    """An import takes a cache that says of itself that it need not be compared with the source."""
    import importlib.util
    import py_compile

    path = Path(net.name.removesuffix(":net"))
    evil, harmless = mark.with_name("evil.py"), path.read_text().replace(str(mark), str(mark.with_name("fine")))
    evil.write_text(f"open({str(mark)!r}, 'w').write('ran')\n")
    path.write_text(harmless)
    cache = importlib.util.cache_from_source(str(path))
    py_compile.compile(str(evil), cache, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    name_model(net)
    build(net)
    assert not mark.exists()
    assert mark.with_name("fine").exists()


def test_trust_is_for_this_process_alone(net: CustomModel, mark: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())
    assert "(--trust)" in allow_model(net)
    assert len(trust.allowed_here()) == 1
    build(net)
    assert mark.exists()
    monkeypatch.setattr(trust, "_allowed", set())  # the next process
    with pytest.raises(TrustError):
        require_model(net)


def test_models_without_a_file_are_nobodys(tmp_path: Path) -> None:
    missing = CustomModel(name=f"{tmp_path}/gone.py:Net")
    for model in (SimpleCnn(), missing):
        assert (name_model(model), allow_model(model)) == ("", "")
        require_model(model)
    with pytest.raises(TrainingError, match="cannot read"):
        build(missing)


def test_what_is_no_file_of_a_usual_size_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with (tmp_path / "huge.py").open("wb") as file:
        file.truncate(2**36)
    for name, reason in (("pipe", "it is a pipe"), ("huge", "must have at most 16 MiB")):
        with pytest.raises(TrainingError, match=reason):
            build(CustomModel(name=f"{tmp_path}/{name}.py:net"))


def kept(net: CustomModel, place: Path) -> CustomModel:
    folder = keep_model(net.name, place, source_digest(net.name))
    return CustomModel(name=f"{folder}/net.py:net")


def test_what_a_model_is_made_of(net: CustomModel) -> None:
    folder = Path(net.name).parent
    (folder / "train.py").write_text("")  # a word in many models, and imported by none
    (folder / "init.bin").write_bytes(b"123")
    (folder / "net.py").write_text((folder / "net.py").read_text() + "# model.train() reads init.bin\n")
    assert set(source_files(net.name)) == {
        "net.py", "beside_a_net.py", "parts/__init__.py", "parts/inner/core.py", "init.bin"
    }  # fmt: skip
    assert next(iter(source_files(net.name))) == "net.py"
    before = source_digest(net.name)
    for file in ("net.py", "beside_a_net.py", "parts/inner/core.py", "init.bin"):
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content + b"\n")
        assert source_digest(net.name) != before
        (folder / file).write_bytes(content)
    (folder / "other.py").write_text("x = 1")
    assert source_digest(net.name) == before
    shutil.copytree(folder, folder.parent / "mine")
    assert source_digest(f"{folder.parent}/mine/net.py:net") == before


def test_a_copy_is_the_model_whatever_becomes_of_the_file(net: CustomModel, tmp_path: Path) -> None:
    copy = kept(net, tmp_path / "kept")
    assert source_digest(copy.name) == source_digest(net.name)
    shutil.rmtree(Path(net.name).parent)
    build(copy)
    require_model(copy)


def test_two_versions_of_a_file_and_of_what_it_imports_in_one_process(net: CustomModel, tmp_path: Path) -> None:
    old = kept(net, tmp_path / "kept")
    (Path(net.name).parent / "beside_a_net.py").write_text("WIDTH = 7\n")
    new = kept(net, tmp_path / "kept")
    assert old.name != new.name
    for config, width in ((old, 4), (new, 7), (old, 4)):
        model = build_model(config, num_classes=5, in_channels=1, image_size=8)
        assert isinstance(model, nn.Linear)
        assert model.in_features == width


def test_a_copy_in_a_home_that_was_moved_is_run_only_while_it_is_whole(net: CustomModel, tmp_path: Path) -> None:
    copy = kept(net, tmp_path / "kept")
    build(copy)
    moved = tmp_path / "moved"
    (tmp_path / "kept").rename(moved)
    copy = CustomModel(name=f"{moved}/{Path(copy.name).parent.name}/net.py:net")
    require_model(copy)
    (Path(copy.name).parent / "torch.py").write_text("")
    with pytest.raises(TrustError):
        require_model(copy)
    (Path(copy.name).parent / "torch.py").unlink()
    (Path(copy.name).parent / "beside_a_net.py").write_text("WIDTH = 5\n")
    with pytest.raises(TrustError):
        require_model(copy)


@pytest.mark.parametrize("planted", ["", "net.py", "beside_a_net.py", "torch.py", "__pycache__/beside_a_net.pyc"])
def test_what_somebody_put_in_the_place_of_a_copy_is_not_put_on_record(
    net: CustomModel, tmp_path: Path, planted: str
) -> None:
    folder = tmp_path / "kept" / source_digest(net.name)
    if planted:
        shutil.copytree(Path(net.name).parent, folder)
        (folder / planted).parent.mkdir(exist_ok=True)
        (folder / planted).write_text("evil")
    else:
        folder.mkdir(parents=True)
    copy = kept(net, tmp_path / "kept")
    there = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert there == source_files(net.name).keys()
    assert source_files(copy.name) == source_files(net.name)


def test_a_file_that_was_edited_since_it_was_tried_is_not_kept(net: CustomModel, tmp_path: Path) -> None:
    digest = source_digest(net.name)
    (Path(net.name).parent / "beside_a_net.py").write_text("WIDTH = 5\n")
    with pytest.raises(TrainingError, match="was edited while the search was prepared"):
        keep_model(net.name, tmp_path / "kept", digest)
    assert not (tmp_path / "kept").exists()


def test_a_project_below_the_folder_of_a_model_keeps_its_modules(net: CustomModel, tmp_path: Path) -> None:
    """An environment in the folder is where torch itself is found."""
    import sys

    build(kept(net, tmp_path / "kept"))
    folder = Path(net.name).parent
    (folder / "venv" / "library").mkdir(parents=True)
    (folder / "venv" / "library" / "__init__.py").write_text("")
    sys.path.append(str(folder / "venv"))
    try:
        import library  # type: ignore[import-not-found]

        name_model(net)
        build(net)
        build(kept(net, tmp_path / "kept"))
        assert sys.modules["library"] is library
        assert "beside_a_net" in sys.modules
    finally:
        sys.path.remove(str(folder / "venv"))
        sys.modules.pop("library", None)
