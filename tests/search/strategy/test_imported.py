"""Samplers by `module:Class`: from a file, from a package, and those that are not run."""

import sys
from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.strategy.history import Finished
from hpo.search.strategy.imported_name import name_import
from hpo.search.strategy.rehearsal import rehearse
from hpo.spaces.parameter import Float
from hpo.spaces.space import SearchSpace

from .setting import propose

SPACE = SearchSpace("s", (Float("x", 0.0, 1.0),))
MINE = '''
from optuna.samplers import RandomSampler, TPESampler

class Mine(RandomSampler):
    """Draws in the upper half."""

    def sample_independent(self, *given):
        return 0.5 + super().sample_independent(*given) / 2

def patient(seed):
    return TPESampler(seed=seed, n_startup_trials=3)

class Needs(RandomSampler):
    def __init__(self, what):
        pass

class Unseeded(RandomSampler):
    def __init__(self):
        super().__init__(seed=3)

class Other:
    pass

def nothing():
    return None

number = 3
'''


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a file of samplers, and a record of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


def drawn(sampler: str, count: int = 6) -> list[float]:
    asked, found = propose(sampler, SPACE), []
    for number in range(count):
        params = asked.ask(number, {}, {}) or {}
        asked.tell(Finished(number, params, 0.5))
        assert isinstance(params["x"], float)
        found.append(params["x"])
    return found


@pytest.mark.parametrize("module", ["mine.py", "./mine.py", "mine"])
def test_a_class_of_a_file_draws_with_the_seed_of_each_trial(module: str, folder: Path) -> None:
    said = name_import(f"{module}:Mine")
    assert said == f"{folder / 'mine.py'}: named here, so it is run; on record from now on, as it is"
    found = drawn(f"{module}:Mine")
    assert min(found) >= 0.5
    assert len(set(found)) == 6
    assert found == drawn(f"{module}:Mine")


def test_a_function_may_make_it_and_a_seed_is_no_must() -> None:
    name_import("mine.py:patient")
    assert len(set(drawn("mine.py:patient"))) == 6
    assert len(set(drawn("mine.py:Unseeded"))) == 1


def test_a_file_that_was_not_named_or_has_changed_is_not_run(folder: Path) -> None:
    (folder / "theirs.py").write_text("import pathlib\npathlib.Path('ran').touch()\n" + MINE)
    with pytest.raises(SpaceError, match="not run, since you have not named it to hpo as it is now") as caught:
        propose("theirs.py:Mine", SPACE)
    assert str(caught.value).endswith("first, then name it: --sampler theirs.py:Mine")
    name_import("theirs.py:Mine")
    assert not (folder / "ran").exists(), "naming runs nothing"
    propose("theirs.py:Mine", SPACE)
    assert (folder / "ran").exists()
    (folder / "theirs.py").write_text(MINE)
    with pytest.raises(SpaceError, match="not run"):
        propose("theirs.py:Mine", SPACE)


def test_a_module_that_was_not_named_is_not_imported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = folder / "packages"
    packages.mkdir()
    (packages / "installed_sampler.py").write_text(MINE)
    monkeypatch.setattr(sys, "path", [*sys.path, str(packages)])
    monkeypatch.delitem(sys.modules, "installed_sampler", raising=False)
    with pytest.raises(SpaceError, match="not run, since you have not named it to hpo"):
        propose("installed_sampler:Mine", SPACE)
    assert "installed_sampler" not in sys.modules
    assert name_import("installed_sampler:Mine") == (
        "installed_sampler:Mine: named here, so it is run; on record from now on"
    )
    assert min(drawn("installed_sampler:Mine")) >= 0.5


@pytest.mark.parametrize(
    ("sampler", "words"),
    [
        ("mine.py:Min", "has no such class; did you mean Mine?"),
        ("mine.py:number", "has no such class"),
        ("mine.py:Other", "must be an optuna.samplers.BaseSampler"),
        ("mine.py:nothing", "must give an optuna.samplers.BaseSampler, got NoneType"),
        ("mine.py:Needs", "cannot be made: "),
        ("min.py:Mine", "--sampler min.py:Mine: there is no file min.py; did you mean mine.py?"),
        (
            "no_such_module_here:Mine",
            "there is no module no_such_module_here; of the samplers by name, choose from cmaes,",
        ),
        ("tpee:3", "--sampler tpee:3: write module:Class or path/to/file.py:Class"),
        ("optuna.samplers:TPESample", "optuna.samplers has no such class; did you mean TPESampler?"),
        ("optuna.samplers.absent:TPESampler", "there is no module optuna.samplers.absent"),
        ("a b:C", "'a b' is no module"),
        (":C", "--sampler :C: write module:Class"),
    ],
)
def test_what_is_wrong_with_one_is_told(sampler: str, words: str) -> None:
    with pytest.raises(SpaceError) as caught:  # noqa: PT012, by either of the two
        name_import(sampler)
        propose(sampler, SPACE)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_file_that_breaks_is_told_with_its_line(folder: Path) -> None:
    (folder / "broken.py").write_text("\n\n1 / 0\n")
    name_import("broken.py:Mine")
    with pytest.raises(SpaceError, match=r"broken\.py:3: ZeroDivisionError: division by zero"):
        propose("broken.py:Mine", SPACE)


def test_a_package_that_it_needs_is_told_by_the_rehearsal(folder: Path) -> None:
    (folder / "needy.py").write_text("import not_installed\n")
    name_import("needy.py:Mine")
    with pytest.raises(SpaceError, match=r"--sampler needy\.py:Mine needs a package that cannot be imported"):
        rehearse(SPACE, "needy.py:Mine", "none")


def test_a_sampler_finds_what_it_wrote_on_earlier_trials(folder: Path) -> None:
    (folder / "counts.py").write_text(
        "from optuna.samplers import RandomSampler\n"
        "class Counts(RandomSampler):\n"
        "    def before_trial(self, study, trial):\n"
        "        before = sum('mine' in each.system_attrs for each in study.get_trials(deepcopy=False))\n"
        "        study._storage.set_trial_system_attr(trial._trial_id, 'mine', before)\n"
        "        self.before = before\n"
        "    def sample_independent(self, *given):\n"
        "        return self.before / 10\n"
    )
    name_import("counts.py:Counts")
    assert drawn("counts.py:Counts", 5) == [0.0, 0.1, 0.2, 0.3, 0.4]
