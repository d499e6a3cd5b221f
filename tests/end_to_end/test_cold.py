"""Every verb once as a user starts it: a process that imports what it needs, while other tests start warm."""

import re
import signal
import urllib.request

import pytest
from hpo.search.cli.app import app
from PIL import Image

from .conftest import SMALL, Shell, finish

QUIET = ("--tracking-uri", "none")
LINES = {  # in this order, in one directory
    "check": ("simple_cnn",),
    "schema": (),
    "slurm-script": ("--", *SMALL, "--trials", "2"),
    "data": ("digits",),
    "models": ("simple_cnn",),
    "train": (*SMALL, "--epochs", "1", "--out", "first"),
    "diagnose": ("first", "--check", "inputs"),
    "plan": (*SMALL, "--trials", "2", "--epochs", "1", "--workers", "1"),
    "estimate": (
        *(*SMALL, "--set", "data.max_train=200", "--trials", "1", "--epochs", "1", "--test-folds", "2"),
        *("--executor", "inline", *QUIET),
    ),
    # of fewer trials no space follows
    "run": (*SMALL, "--set", "data.max_train=200", "--trials", "20", "--epochs", "1", "--workers", "1"),
    "show": (),
    "report": (),
    "compare": ("simple_cnn", "simple_cnn"),
    "studies": (),
    "suggest-space": ("--out", "next.yaml"),
    "export-study": ("simple_cnn",),
    "import-study": ("simple_cnn.study.zip", "--study", "again"),
    "replay": ("simple_cnn/0",),
    "extend": ("simple_cnn", "--top", "1", "--epochs", "2", "--workers", "1", *QUIET),
    "retrain-best": ("simple_cnn", *QUIET),
    "export": ("simple_cnn", "--format", "safetensors", *QUIET),
    "infer-check": ("runs/simple_cnn/export",),
    "evaluate": ("simple_cnn", *QUIET),
    "predict": ("simple_cnn", "seven.png"),
}
SERVERS = {"serve": ("simple_cnn", "--port", "0"), "ui": ()}
AFTER = {"monitor": ("simple_cnn",)}  # what was served


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_verb(cold_shell: Shell) -> None:
    verbs = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert {*LINES, *SERVERS, *AFTER} == {verb.replace("_", "-") for verb in verbs}
    Image.new("L", (8, 8), 90).save(cold_shell.directory / "seven.png")
    for verb, arguments in LINES.items():
        run(cold_shell, verb, *arguments)
    for verb, arguments in SERVERS.items():
        start(cold_shell, verb, *arguments)
    for verb, arguments in AFTER.items():
        run(cold_shell, verb, *arguments)


def run(shell: Shell, verb: str, *arguments: str) -> None:
    done = shell.run(verb, *arguments)
    assert done.code == 0, (verb, done.err)
    assert done.out or done.err, verb


def start(shell: Shell, verb: str, *arguments: str) -> None:
    """Start a server, look at the page that it names, and end it with Ctrl-C."""
    process = shell.start(verb, *arguments)
    assert process.stderr is not None
    address = None
    while not address:
        line = process.stderr.readline()
        assert line, f"{verb} has ended"
        address = re.search(r"http://127\.0\.0\.1:\d+\S*", line)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address[0], timeout=60) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    assert finish(process, timeout_s=60).code == 130, verb
