"""One registry for every kind of thing that is found by name; and each of the registries there are."""

import subprocess
import sys
from pathlib import Path

import pytest
from hpo.common.registry import Registry, modules_beside, place_of
from hpo.errors import HpoError, SpaceError, TrainingError
from hpo.search.commands.predict.files import WRITERS
from hpo.search.executors.registry import EXECUTORS
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.schedulers.registry import SCHEDULERS
from hpo.training.data.sources.base import SOURCES
from hpo.training.diagnosis.registry import CHECKS
from hpo.training.export.formats.registry import FORMATS
from hpo.training.losses.registry import LOSSES
from hpo.training.metrics.scores import SCORES
from hpo.training.models.registry import MODELS
from hpo.training.optim.optimizers import OPTIMIZERS

ALL: list[Registry[object]] = [
    CHECKS, EXECUTORS, FORMATS, LOSSES, MODELS, OPTIMIZERS, SCHEDULERS, SAMPLERS, SCORES, SOURCES, WRITERS,
]  # fmt: skip

KINDS = """
from hpo.common.registry import Registry

COLOURS: Registry[int] = Registry("colour", at="--colour", modules={"red": "kinds_of_red", "blue": "kinds_of_blue"})
"""


@pytest.fixture
def colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    """A registry in a module of its own, with two built-in names in two others."""
    (tmp_path / "kinds.py").write_text(KINDS)
    (tmp_path / "kinds_of_red.py").write_text("from kinds import COLOURS\nCOLOURS.add('red', 1)\n")
    (tmp_path / "kinds_of_blue.py").write_text("raise AssertionError('nobody has asked for blue')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("kinds", "kinds_of_red", "kinds_of_blue"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    from kinds import COLOURS  # type: ignore[import-not-found]

    found: Registry[int] = COLOURS
    return found


def test_names_are_known_before_anything_is_imported(colours: Registry[int]) -> None:
    assert colours.names() == tuple(colours) == ("red", "blue")
    assert "blue" in colours
    assert len(colours) == 2
    colours.check("blue")
    assert "kinds_of_red" not in sys.modules


def test_a_name_is_imported_when_it_is_looked_up(colours: Registry[int]) -> None:
    assert colours.find("red") == 1
    assert colours.names() == ("red", "blue")


def test_an_unknown_name_is_told_with_the_nearest(colours: Registry[int]) -> None:
    for ask in (colours.find, colours.check):
        with pytest.raises(SpaceError) as caught:
            ask("bleu")
        assert str(caught.value) == "--colour: unknown colour 'bleu'; did you mean blue?"
    with pytest.raises(SpaceError, match="choose from blue, red"):
        colours.find("x")


def test_the_name_of_a_built_in_is_taken_before_it_is_imported(colours: Registry[int]) -> None:
    with pytest.raises(SpaceError, match=r"colour red: a name is registered once, and .* has it"):
        colours.add("red", 2)
    assert colours.find("red") == 1


def test_what_is_registered_later_comes_last_and_can_be_forgotten(colours: Registry[int]) -> None:
    colours.add("ash", 3)
    assert colours.names() == ("red", "blue", "ash")
    with pytest.raises(SpaceError, match="colour ash"):
        colours.register("ash")(4)
    colours.forget(["ash", "never there"])
    assert "ash" not in colours


def test_the_error_is_that_of_the_kind() -> None:
    models: Registry[type] = Registry("model", error=TrainingError)
    assert models.register("path")(Path) is Path
    with pytest.raises(TrainingError, match=r"model path: .*pathlib\.py:Path has it"):
        models.add("path", Path)
    with pytest.raises(TrainingError, match=r"^unknown model 'pat'; did you mean path\?"):
        models.find("pat")


def test_a_place_is_a_file_and_a_name() -> None:
    assert place_of(test_a_place_is_a_file_and_a_name) == f"{__file__}:test_a_place_is_a_file_and_a_name"
    assert place_of(Path()).rpartition(":")[2] in ("PosixPath", "WindowsPath")


def test_the_modules_of_a_folder_are_its_names() -> None:
    found = modules_beside("hpo.search.strategy.schedulers.registry")
    assert found["median"] == "hpo.search.strategy.schedulers.median"
    assert list(found) == sorted({path.stem for path in _folder_of("schedulers").glob("[a-z]*.py")} - {"registry"})


def _folder_of(name: str) -> Path:
    import hpo.search.strategy

    return Path(hpo.search.strategy.__path__[0]) / name


@pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry._what)
def test_each_built_in_is_registered_by_its_module(registry: Registry[object]) -> None:
    assert len(registry) >= 2
    for name in registry:
        assert registry.find(name) is not None
    with pytest.raises(HpoError, match="unknown"):
        registry.find("no such thing")
    first = registry.names()[0]
    with pytest.raises(HpoError, match="registered once"):
        registry.add(first, object())


def test_names_for_help_texts_import_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from hpo.search.executors.registry import EXECUTORS\n"
        "from hpo.search.strategy.samplers.registry import SAMPLERS\n"
        "from hpo.search.strategy.schedulers.registry import SCHEDULERS\n"
        "from hpo.training.diagnosis.registry import CHECKS\n"
        "from hpo.training.export.formats.registry import FORMATS\n"
        "assert all(map(len, (CHECKS, EXECUTORS, FORMATS, SCHEDULERS, SAMPLERS)))\n"
        "heavy = {'torch', 'optuna', 'mlflow', 'pydantic', 'sqlalchemy', 'numpy', 'sklearn', 'onnx'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
