"""`hpo train` as it is typed: killed and resumed it ends the same; its exit codes."""

import os
import signal

import pytest
from hpo.training.checkpoints.checkpoint import load

from .conftest import SMALL, Shell, finish

RUN = ("--epochs", "6", "--device", "cpu", "--set", "ema.decay=0.9", "--set", "memory.micro_batch=40")


def metrics(result: dict[str, object]) -> list[dict[str, float]]:
    history = result["history"]
    assert isinstance(history, list)
    return [{k: v for k, v in entry["metrics"].items() if k != "images_per_s"} for entry in history]


@pytest.mark.slow
def test_killed_and_resumed_it_ends_the_same(shell: Shell) -> None:
    whole = shell.run("train", *SMALL, *RUN, "--out", "whole", "--json")
    assert whole.code == 0, whole.err
    assert whole.json["status"] == "finished"
    assert whole.json["best"]["metrics"]["val_accuracy"] > 0.3
    process = shell.start("train", *SMALL, *RUN, "--out", "parts")
    assert process.stderr is not None
    seen = 0
    for line in process.stderr:
        seen += line.startswith("epoch ")
        if seen == 2:
            break
    os.kill(process.pid, signal.SIGKILL)
    finish(process)
    assert not (shell.directory / "parts" / "result.json").exists()
    parts = shell.run("train", "--resume", "--out", "parts", "--device", "cpu", "--json")
    assert parts.code == 0, parts.err
    assert metrics(parts.json) == metrics(whole.json)
    states = [load(shell.directory / name / "best.ckpt") for name in ("whole", "parts")]
    assert all((states[0]["model"][key] == states[1]["model"][key]).all() for key in states[0]["model"])


def test_ctrl_c_says_how_to_go_on(shell: Shell) -> None:
    process = shell.start("train", *SMALL, "--epochs", "500", "--out", "run", "--device", "cpu")
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch 1"):
            break
    process.send_signal(signal.SIGINT)
    done = finish(process)
    assert done.code == 130, done.err
    assert "goes on from there" in done.err
    assert "Traceback" not in done.err
    assert (
        "began with another configuration"
        in shell.run("train", *SMALL, "--epochs", "2", "--resume", "--out", "run").refused()
    )


def test_exit_codes(shell: Shell) -> None:
    assert "must say what to train" in shell.run("train").refused()
    assert "did you mean" in shell.run("train", *SMALL, "--set", "optimizr.lr=1").refused()
    message = shell.run("train", *SMALL, "--set", "metrics=[val_auroc]").refused()
    assert "val_auroc needs data of two classes, digits has 10" in message
    steep = ("--set", "optimizer={name: sgd, lr: 100.0, momentum: 0.99}", "--set", "data.batch_size=4")
    diverged = shell.run("train", *SMALL, *steep)
    assert diverged.code == 1
    assert "diverged" in diverged.out
