"""`hpo check`, `schema`, `show`, `studies` and `ui`, as a user types them."""

import json
import re
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from ..warm.start import warm_children_of
from .conftest import Shell, finish

Wait = Callable[..., None]

BREAKS_WHERE_WIDE = """from pathlib import Path
from torch import nn


class Net(nn.Sequential):
    def __init__(self, num_classes, in_channels, width=1):
        if width > 1 and Path("runs/mine").exists():  # it is tried before there is a study
            raise ValueError("too wide")
        super().__init__(nn.Flatten(), nn.Linear(64, num_classes))
"""
INLINE = ("--executor", "inline", "--tracking-uri", "none", "--skip-export-check")


def test_check_lists_dimensions_branches_and_size(shell: Shell) -> None:
    told = shell.run("check", "resnet")
    assert told.code == 0
    rows = {line.split()[0]: line for line in told.out.splitlines() if line.strip()}
    assert "0.01 to 1, log" in rows["optimizer.sgd.lr"]
    assert "optimizer = sgd" in rows["optimizer.sgd.lr"]
    assert "a continuum of configurations" in rows["space"]
    small = ["--set", "model={name: simple_cnn}", "--set", "optimizer={name: sgd}", "--set", "loss={}"]
    found = shell.run("check", "resnet.yaml", *small, "--json").json
    keys = [dimension["key"] for dimension in found["dimensions"]]
    assert keys == ["data.batch_size", "augment.crop_padding", "augment.flip", "schedule"]
    assert found["size"] == 4 * 5 * 2 * 2
    assert {branch["name"] for branch in found["branches"]} == {"one_cycle", "cosine"}


def test_check_warns_of_what_looks_unwise(shell: Shell) -> None:
    (shell.directory / "mine.yaml").write_text("optimizer: {name: sgd, lr: {low: 0.001, high: 1.0}}\n")
    told = shell.run("check", "mine.yaml")
    assert told.code == 0
    assert "note: optimizer.lr: a rate is better searched with log: true" in told.out
    (shell.directory / "fixed.yaml").write_text("optimizer: {name: sgd, lr: 0.1}\n")
    assert "note: no dimension: every trial would be the same" in shell.run("check", "fixed.yaml").out


def test_schema_is_json_on_stdout_or_in_a_file(shell: Shell) -> None:
    printed = shell.run("schema").json
    assert {"data", "model", "optimizer", "objective"} <= printed["properties"].keys()
    told = shell.run("schema", "--out", "space.schema.json")
    assert (told.code, told.out) == (0, "")
    assert "# yaml-language-server: $schema=space.schema.json" in told.err
    assert json.loads((shell.directory / "space.schema.json").read_text()) == printed


def test_a_failed_trial_is_shown_with_its_cause_and_traceback(shell: Shell) -> None:
    (shell.directory / "net.py").write_text(BREAKS_WHERE_WIDE)
    space = {
        "data": {"source": "digits", "batch_size": 512},
        "model": {"name": "./net.py:Net", "width": {"choices": [1, 2], "prior": 1}},
        "budget": {"epochs": 1},
    }
    (shell.directory / "mine.yaml").write_text(yaml.safe_dump(space))
    searched = shell.run("run", "--space", "mine.yaml", "--trials", "6", *INLINE)
    assert searched.code == 0, searched.err
    summary = shell.run("show", "--json").json
    [(cause, numbers)] = summary["failures"].items()
    assert "net.py:8: ValueError: too wide" in cause
    assert summary["trials"]["failed"] == len(numbers) > 0
    table = shell.run("show").out
    assert "what went wrong:" in table
    assert "too wide" in table
    one = shell.run("show", "--trial", str(numbers[0])).out
    assert f"trial {numbers[0]}: failed" in one
    traceback = Path(re.findall(r"traceback +(\S+)", one)[0])
    assert "raise ValueError" in traceback.read_text()
    whole = shell.run("show", "--trial", str(numbers[0]), "--json").json
    assert (whole["study"], whole["state"], whole["params"]) == ("mine", "failed", {"model.width": 2})


def test_show_and_studies_tell_a_person_what_they_tell_a_program(shell: Shell) -> None:
    shell.search(trials=2)
    summary, trial = shell.run("show", "--json").json, shell.run("show", "--trial", "0", "--json").json
    assert [record["number"] for record in summary["records"]] == [0, 1]
    assert {"study": summary["study"], **summary["records"][0]} == trial
    shown = shell.run("show").out
    head = re.search(r"study simple_cnn: maximize val_accuracy of the last epoch; (.*) of search", shown)
    assert head is not None
    assert f"{summary['trials']['complete']} complete" in head[1]
    low, high = summary["best"]["interval"]
    assert low < summary["best"]["value"] < high
    known = f"{summary['best']['value']:.4f} (95 %: {low:.4f} to {high:.4f})"
    assert f"best {known}, trial {summary['best']['number']}: " in shown
    one = shell.run("show", "--trial", "0").out
    for key in trial["params"]:
        assert key in one
    assert re.search(rf"value +{trial['value']:.4f}", one)
    assert str(shell.directory / "runs" / "simple_cnn" / "trials" / "0") in one
    assert re.search(rf"metrics of epoch {trial['best_epoch']}, which counts\n", one)
    listed = shell.run("studies").out
    best = f"val_accuracy +{summary['best']['value']:.4f}"
    assert re.search(rf"simple_cnn +\d{{4}}-\d\d-\d\d \d\d:\d\d .* {best}", listed)


def test_showing_works_in_a_pipe_that_closes_early(shell: Shell) -> None:
    shell.search(trials=1, epochs=1)
    process = shell.start("show")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.wait(60)
    process.stderr.close()


def test_a_search_whose_trials_all_break_ends_with_1(shell: Shell) -> None:
    (shell.directory / "net.py").write_text(BREAKS_WHERE_WIDE.replace("if width > 1 and", "if"))
    space = "data: {source: digits}\nmodel: {name: ./net.py:Net}\noptimizer: {name: sgd, lr: {low: 0.01, high: 0.1}}\n"
    (shell.directory / "mine.yaml").write_text(space)
    done = shell.run("run", "--space", "mine.yaml", "--trials", "50", *INLINE)
    assert done.code == 1, done.err
    assert "error: 3 trials in a row broke" in done.err
    assert "Traceback" not in done.err
    counts = shell.run("show", "--json").json["trials"]
    assert counts["failed"] == counts["running"] == 0
    assert counts["waiting"] >= 3  # to be run once the model is mended


def answers(address: str) -> int:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=30) as answer:
        return int(answer.status)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ui_serves_both_pages_until_it_is_stopped(shell: Shell, wait_until: Wait, number: signal.Signals) -> None:
    shell.search("--tracking-uri", f"sqlite:///{shell.directory}/runs/mlflow.db", trials=1, epochs=1)
    process = shell.start("ui")
    assert process.stderr is not None
    addresses: list[str] = []
    while len(addresses) < 2:
        line = process.stderr.readline()
        assert line, "hpo ui has ended"
        addresses += re.findall(r"http://127\.0\.0\.1:\d+/\S*\?token=\S+", line)
    assert [answers(address) for address in addresses] == [200, 200]
    started = [psutil.Process(child) for child in warm_children_of(process.pid)]
    assert len(started) == 2
    process.send_signal(number)
    done = finish(process, timeout_s=60)
    assert done.code == 130
    assert "Traceback" not in done.err
    wait_until(lambda: not any(p.is_running() and p.status() != "zombie" for p in started), "the pages' processes")
