"""Names that somebody else chose, in what every command tells a person: seen, never obeyed."""

import csv
import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
import pytest
from hpo.common.display import visible
from hpo.search.cli.app import run_program
from hpo.search.cli.retrain import _print_table
from hpo.search.commands.retrain.retrain import RetrainResult
from hpo.search.progress.base import Standing
from hpo.search.progress.live import LiveProgress
from hpo.search.progress.plain import PlainProgress
from hpo.search.progress.single import LiveWatcher, PlainWatcher
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.export.manifest import ExportManifest
from PIL import Image
from rich.console import Console

from .conftest import Models

CLASS = "c\x1b[2J\x1b]0;owned\x07\nerror: forged\r\u202egnp[bold][x]"
FILE = f"=1+1{CLASS}.png"
NAME = f"s/[/x]{CLASS}"
SHOWN = visible(CLASS)


@dataclass
class Told:
    """What a command wrote."""

    code: int
    out: str
    err: str

    def names(self, *needed: str) -> "Told":
        """Nothing of it is obeyed or forged, and each of `needed` is there, however it was broken into lines."""
        for text in (self.out, self.err):
            lines = text.split("\n")
            assert [line for line in lines if line != visible(line)] == []
            assert not any(line.startswith("error: forged") for line in lines)
        assert "Traceback" not in self.err, self.err
        whole = "".join((self.out + self.err).split())
        for part in needed:
            assert "".join(part.split()) in whole, (part, self.out, self.err)
        return self


Hpo = Callable[..., Told]


@pytest.fixture
def hpo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Hpo:
    """A command, run here."""
    monkeypatch.setenv("COLUMNS", "2000")
    monkeypatch.setenv("HPO_HOME", str(tmp_path / "runs"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # as it was, afterwards

    def run(*arguments: object) -> Told:
        monkeypatch.setattr(sys, "argv", ["hpo", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            run_program()
        return Told(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A set whose classes, files and links are called as badly as a file system lets them be."""
    root, random = tmp_path / "data", np.random.default_rng(0)
    for name in (CLASS, "=cmd", "@dog"):
        (root / name).mkdir(parents=True)
        for number in range(40):
            image = Image.fromarray(random.integers(0, 256, (8, 8), dtype=np.uint8))
            image.save(root / name / f"{number}{FILE}")
    (root / CLASS / f"broken{FILE}").write_text("no image")
    (root / CLASS / f"link{FILE}").symlink_to("/etc/hostname")
    (root / f"beside{FILE}").write_text("")
    return root


@pytest.fixture
def book(tmp_path: Path) -> Home:
    """A home whose study, parameters and messages came from somebody else."""
    home = Home(tmp_path / "runs")
    study = optuna.create_study(study_name=NAME, storage=open_storage(home.storage_url), direction="maximize")
    study.set_user_attr(attributes.OBJECTIVE_METRIC, NAME)
    noted = {attributes.STATUS: NAME, attributes.MESSAGE: NAME, attributes.ERROR: NAME, attributes.METRICS: {NAME: 0.5}}
    noted |= {attributes.VERDICT: {"kind": NAME, "evidence": NAME, "advice": NAME}, attributes.BEST_EPOCH: 1}
    space = {f"optimizer.{CLASS}": optuna.distributions.CategoricalDistribution([NAME])}
    for state in (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL):
        value = 0.5 if state is optuna.trial.TrialState.COMPLETE else None
        study.add_trial(
            optuna.trial.create_trial(
                state=state, value=value, user_attrs=noted, params={next(iter(space)): NAME}, distributions=space
            )
        )
    return home


def test_studies_and_their_trials(hpo: Hpo, book: Home) -> None:
    shown = visible(NAME)
    assert hpo("studies").names(shown).code == 0
    assert hpo("show").names(shown, f"{SHOWN}={shown}").code == 0
    assert hpo("show", "--trial", "0").names(shown, f"optimizer.{SHOWN}").code == 0
    assert json.loads(hpo("studies", "--json").names().out)["studies"][0]["study"] == NAME
    assert hpo("show", "--trial", "7").names(shown).code == 2
    assert hpo("show", f"{NAME}x").names(f"did you mean {shown}?").code == 2


VERBS = ["retrain-best", "export", "evaluate", "predict", "serve", "monitor", "infer-check"]


@pytest.mark.parametrize("command", VERBS)
def test_verbs_that_are_given_such_a_name(hpo: Hpo, book: Home, command: str) -> None:
    given = {"retrain-best": ["--study", NAME], "predict": [NAME, FILE]}.get(command, [NAME])
    assert hpo(command, *given).names().code in (1, 2)


@pytest.mark.parametrize("flag", ["--space", "--trial"])
def test_spaces_and_trials_that_are_not_there(hpo: Hpo, book: Home, flag: str) -> None:
    for command in ("train", "diagnose"):
        assert hpo(command, flag, f"{NAME}/0").names().code == 2
    assert hpo("run", "--space", NAME, "--trials", "1").names().code == 2
    assert hpo("models", CLASS).names().code == 2


def test_a_data_set(hpo: Hpo, folder: Path, tmp_path: Path) -> None:
    told = hpo("data", folder, "--save-split", tmp_path / "split.csv").names(SHOWN, f"broken{visible(FILE)}")
    assert "-> /etc/hostname" in told.out
    cells = [row[0] for row in csv.reader(io.StringIO((tmp_path / "split.csv").read_text()))]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    again = hpo("data", folder, "--set", f"data.split_file={tmp_path / 'split.csv'}", "--json").names()
    assert json.loads(again.out)["classes"][2]["name"] == CLASS
    assert hpo("data", folder, "--strict").names(SHOWN, "-> /etc/hostname").code == 2
    assert hpo("data", folder, "--set", f"data.group_pattern=({CLASS}z)").names().code == 2


def test_a_table(hpo: Hpo, folder: Path) -> None:
    for text in ("path,label\n\x1b[2J.png,x\n", "path,label\n\x1b[2J,\x1b]0;t\x07\n", "\x1b[2J,b\n1,2\n"):
        (folder / "labels.csv").write_text(text)
        assert hpo("data", folder).names().code == 2


def test_a_space_file(hpo: Hpo, tmp_path: Path) -> None:
    space = tmp_path / f"s{CLASS}.yaml"
    space.write_text('data: {source: "\\e[2J[bold]"}\nmodel: {name: "\\e]0;t\\a[/x]"}\n')
    assert hpo("check", space).names().code == 2
    space.write_text('data: {source: "d\\e[2J[bold]"}\noptimizer: {name: sgd, lr: {low: 0.1, high: 1, log: true}}\n')
    assert hpo("check", space).names(SHOWN, "d\\x1b[2J[bold]").code == 0


@pytest.fixture
def theirs(models: Models, tmp_path: Path) -> dict[str, Path]:
    """An export and a run whose classes and study are named by somebody else."""
    names = [f"{number}{CLASS}" for number in range(10)]
    shutil.copytree(models.export, tmp_path / "export")
    shutil.copytree(models.run, tmp_path / "run")
    manifest = json.loads((tmp_path / "export" / "manifest.json").read_text())
    manifest |= {"class_names": names, "study": NAME, "data_source": NAME, "failed_formats": {NAME: NAME}}
    manifest["formats"] = {NAME: {**next(iter(manifest["formats"].values())), "promoted": False, "why_not": NAME}}
    (tmp_path / "export" / "manifest.json").write_text(json.dumps(manifest))
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    (tmp_path / "run" / "run.json").write_text(json.dumps({**run, "class_names": names, "source": NAME}))
    return {"export": tmp_path / "export", "run": tmp_path / "run"}


def test_predictions(hpo: Hpo, theirs: dict[str, Path], folder: Path, tmp_path: Path) -> None:
    told = hpo("predict", theirs["run"], folder).names(f"broken{visible(FILE)}: error", SHOWN, "-> /etc/hostname")
    assert told.code == 1
    rows = list(csv.DictReader(io.StringIO(hpo("predict", theirs["run"], folder, "--csv").names().out)))
    assert len(rows) == 123
    assert {row["class"][1:] for row in rows if not row["error"]} == {SHOWN}
    (tmp_path / FILE).write_bytes((folder / "@dog" / f"0{FILE}").read_bytes())
    assert hpo("predict", theirs["run"], tmp_path / FILE, "--json").names().code == 0
    assert hpo("predict", theirs["run"], folder, "--strict").names("-> /etc/hostname").code == 2


def test_an_evaluation_and_a_diagnosis(hpo: Hpo, theirs: dict[str, Path], folder: Path) -> None:
    shutil.move(folder / CLASS, folder / f"0{CLASS}")
    assert hpo("evaluate", theirs["run"], "--data", folder).names("@dog", SHOWN).code == 2  # no such class
    for name, new in (("=cmd", f"1{CLASS}"), ("@dog", f"2{CLASS}")):
        shutil.move(folder / name, folder / new)
    assert hpo("evaluate", theirs["run"], "--data", folder).names(f"2{SHOWN}", f"link{visible(FILE)}").code == 0
    assert hpo("diagnose", theirs["run"], "--check", "labels").names().code == 0


def test_an_export(hpo: Hpo, theirs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    hpo("infer-check", theirs["export"]).names()
    hpo("monitor", theirs["export"]).names()
    manifest = ExportManifest.read(theirs["export"])
    _print_table(RetrainResult(manifest, theirs["export"], NAME, NAME))
    Told(0, *capsys.readouterr()).names(f"study {visible(NAME)}"[6:], f"{visible(NAME)} could not be made")


def test_progress(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    standing = Standing(NAME, "maximize", 2)
    plain = PlainProgress(standing, out)
    live = LiveProgress(standing, Console(file=out, width=2000))
    for number, message in ((0, ""), (1, NAME)):
        for progress in (plain, live):
            progress.trial_started(number, {NAME: NAME}, 1, {})
            progress.trial_ended(number, "FAIL" if message else "COMPLETE", 0.5, "finished", message)
            progress.note(NAME)
    live.close()
    Told(0, out.getvalue(), "").names(visible(NAME))
    bar = LiveWatcher(Console(file=out, width=2000))
    bar.note(NAME)
    bar.close()
    PlainWatcher().note(NAME)
    Told(0, out.getvalue(), capsys.readouterr().err).names(visible(NAME))


def test_an_export_describes_files_of_its_own_alone(hpo: Hpo, theirs: dict[str, Path]) -> None:
    path = theirs["export"] / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"]["../../x"] = next(iter(manifest["files"].values()))
    path.write_text(json.dumps(manifest))
    assert hpo("infer-check", theirs["export"]).names("must be files of the export, got '../../x'").code == 1
