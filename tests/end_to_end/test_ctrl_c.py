"""Ctrl-C in the middle of a command that only looks: exit code 130, no traceback, and nothing half-written."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .conftest import SMALL, Shell, finish

COMMANDS = {  # what is interrupted as soon as it says something
    "evaluate": ["evaluate", "model", "--data", "images", "--html", "page.html", "--tracking-uri", "none"],
    "predict": ["predict", "model", "images", "--out", "answers.csv"],
    "data": ["data", "images", "--html", "page.html", "--save-split", "split.csv"],
    "diagnose": ["diagnose", "--space", "simple_cnn", "--data", "digits", "--html", "page.html", "--home", "home"],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> Path:
    """A folder with a trained `model` and enough `images` to be busy for a while."""
    folder, random = tmp_path_factory.mktemp("prepared"), np.random.default_rng(0)
    for number in range(4000):
        (folder / "images" / str(number % 10)).mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / str(number % 10) / f"{number}.png", compress_level=1)
    done = Shell(folder).run("train", *SMALL, "--epochs", "1", "--out", "model")
    assert done.code == 0, done.err
    return folder


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and folder / "home" not in path.parents}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_looks_leaves_nothing_behind(prepared: Path, command: str) -> None:
    before = files_of(prepared)
    process = Shell(prepared).start(*COMMANDS[command])
    assert process.stderr is not None
    begun = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, (begun, done.err)
    assert done.err.splitlines()[-1] == "interrupted"
    assert "Traceback" not in done.err
    assert files_of(prepared) == before


def test_a_list_that_is_cut_off_ends_with_a_whole_line(shell: Shell) -> None:
    process = shell.start("models", "torchvision/")
    assert process.stdout is not None
    head = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert (done.code, done.err) == (130, "interrupted\n")
    assert head.startswith("model")
    assert done.out.endswith("\n") or not done.out


def test_ctrl_c_while_the_command_line_is_imported_is_told_in_a_word() -> None:
    code = """
import sys
class Interrupted:
    @staticmethod
    def find_spec(name, path, target=None):
        if name == "hpo.search.cli.app":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupted)
from hpo.search.cli import main
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "interrupted\n")
