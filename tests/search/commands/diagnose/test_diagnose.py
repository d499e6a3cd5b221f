"""`hpo.diagnose` and `hpo diagnose`: what is looked at, what is refused, and that nothing is touched."""

import json
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from hpo.errors import HpoError, SpaceError
from hpo.search.api import diagnose, train
from hpo.search.commands.diagnose.options import DiagnoseOptions
from hpo.search.commands.train.options import TrainOptions
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig

from ....warm.client import Command
from ....warm.client import run as run_warm
from ....warm.start import HPO

SMALL = ("model.width=4", "data.batch_size=128")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def run(home: Path) -> Path:
    """The folder of a run on digits."""
    options = TrainOptions(space="simple_cnn", overrides=SMALL, data="digits", epochs=1, home=home, device="cpu")
    return train(options).directory


def test_a_run_is_looked_at_and_left_as_it_is(run: Path, home: Path) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}
    found = diagnose(DiagnoseOptions(run=run, checks=["inputs", "gradients"], home=home, device="cpu"))
    assert set(found.diagnosis.checked) == {"inputs", "gradients"}
    assert found.diagnosis.verdict is not None
    assert found.dimension is None
    assert str(run) in found.diagnosis.origin
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()} == before


BRANCHES = "optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0, log: true}}, adamw: {lr: 0.001}}, prior: sgd}\n"


@pytest.mark.parametrize(("text", "key"), [("optimizer: {name: sgd}\n", "optimizer"), (BRANCHES, "optimizer.sgd")])
def test_the_range_can_be_pasted(text: str, key: str, home: Path, tmp_path: Path) -> None:
    space = tmp_path / "mine.yaml"
    space.write_text(f"data: {{source: digits}}\nmodel: {{name: simple_cnn, width: 4}}\n{text}")
    found = diagnose(DiagnoseOptions(space=str(space), checks=["lr_range"], home=home, device="cpu"))
    assert found.dimension is not None
    words = shlex.split(found.dimension.flags)
    assert words[1].startswith(f"{key}.lr={{low: ")
    assert found.yaml.endswith(f"lr: {words[1].partition('=')[2]}\n")
    changed = load_space(str(space), TrialConfig, words[1::2])
    (parameter,) = (p for p in changed.parameters if p.key == f"{key}.lr")
    assert parameter.canonical()["log"] is True


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "got none of them"),
        ({"space": "simple_cnn", "trial": "a/1"}, "got space and trial"),
        ({"run": Path("x"), "data": "digits"}, "a run is looked at as it is"),
        ({"run": Path("nowhere")}, "holds no training of `hpo train`"),
        ({"space": "simple_cnn", "checks": ["lr"]}, "--check: unknown check 'lr'"),
        ({"space": "simple_cnn", "device": "gpu"}, "the device must be auto, cpu"),
        ({"trial": "resnet"}, "--trial must be STUDY/N"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], words: str, home: Path) -> None:
    with pytest.raises(HpoError) as caught:
        diagnose(DiagnoseOptions(home=home, **{"data": "digits"} | options if "run" not in options else options))  # type: ignore[arg-type]
    assert words in str(caught.value)


@pytest.mark.usefixtures("warm")
def test_the_command(run: Path, home: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    command = [HPO, "diagnose", str(run), "--check", "labels", "--home", str(home), "--html", str(page), "--json"]
    done = run_warm(command)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["checks"]["labels"]["numbers"]["classes"] == [str(digit) for digit in range(10)]
    assert found["verdict"]["kind"]
    assert "<svg" in page.read_text()


@pytest.mark.usefixtures("warm")
def test_ctrl_c_ends_it(home: Path) -> None:
    command = [HPO, "diagnose", "--space", "simple_cnn", "--data", "digits", "--home", str(home)]
    process = Command(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "overfit_batch" in line:
            break
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in err


def test_one_thing_is_named() -> None:
    with pytest.raises(SpaceError, match="got space and run"):
        DiagnoseOptions(space="a", run=Path("b"))
