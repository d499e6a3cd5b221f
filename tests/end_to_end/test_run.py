"""`hpo run`, `hpo show`, `hpo studies`: the main road, and going on where one was."""

import sqlite3
from pathlib import Path

import pytest
import yaml  # a second YAML reader, to see that what we write is YAML
from PIL import Image

from .conftest import SMALL, Shell


@pytest.mark.slow
def test_a_search_from_nothing_to_a_shown_study(shell: Shell) -> None:
    done = shell.search("--json", "--workers", "2", trials=4)
    assert done.code == 0, done.err
    result = done.json
    assert result["study"] == "simple_cnn"
    assert result["outcome"] == "done"
    assert sum(result["trials"].values()) == 4
    assert 0.1 < result["best"]["value"] <= 1
    shown = shell.run("show", "--json").json
    keys = {"study", "direction", "metric", "trials", "best", "wall_s"}
    assert keys <= shown.keys()
    assert shown["best"] == result["best"]
    assert {"complete", "pruned", "failed", "running"} <= shown["trials"].keys()
    home = shell.directory / "runs"
    assert (home / "simple_cnn" / "space.yaml").exists()
    assert (home / "simple_cnn" / "study.json").exists()
    for number in range(4):
        assert (home / "simple_cnn" / "trials" / str(number) / "config.json").exists()


def test_the_data_may_be_where_the_home_is(shell: Shell) -> None:
    for number in range(80):
        folder = shell.directory / ("cat", "dog")[number % 2]
        folder.mkdir(exist_ok=True)
        Image.new("L", (8, 8), number).save(folder / f"{number}.png")
    for trials in (1, 2):
        done = shell.search("--data", ".", trials=trials, epochs=1)
        assert done.code == 0, done.err
        assert "no data, and not used: runs (a home of hpo)" in done.err.splitlines()
    classes = shell.run("data", ".", "--json").json["classes"]
    assert [entry["name"] for entry in classes] == ["cat", "dog"]
    trained = shell.run("train", *SMALL, "--data", ".", "--epochs", "1", "--out", "first")
    assert trained.code == 0, trained.err
    assert "first (a training of hpo)" in shell.run("data", ".").out
    assert "--home must not be the folder of the images" in shell.search("--data", ".", "--home", ".").refused()
    assert not (shell.directory / "studies.db").exists()


def test_a_line_per_trial_and_the_result_go_to_stdout_and_under_json_to_stderr(shell: Shell) -> None:
    done, again = shell.search(trials=3), shell.search("--json", trials=4)
    for text, trials in ((done.out, 3), (again.err, 1)):
        assert len([line for line in text.splitlines() if line.startswith("trial ")]) == trials
        assert "best val_accuracy" in text
    assert "trial" not in done.err
    assert again.json["outcome"] == "done"


def test_a_search_goes_on_when_whoever_read_its_lines_has_gone(shell: Shell) -> None:
    process = shell.start(*shell.search_command(trials=2, epochs=1))
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(240) == 0
    process.stderr.close()
    assert sum(shell.run("show", "--json").json["trials"].values()) == 2


def test_trials_is_the_total(shell: Shell) -> None:
    shell.search(trials=2)
    again = shell.search("--json", trials=2)
    assert again.code == 0
    assert sum(again.json["trials"].values()) == 2
    more = shell.search("--json", trials=3)
    assert sum(more.json["trials"].values()) == 3


@pytest.mark.slow
@pytest.mark.usefixtures("warm")
def test_the_same_seed_gives_the_same_values_with_one_worker(tmp_path: Path) -> None:
    runs = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        shell = Shell(tmp_path / name)
        shell.search("--workers", "1", "--seed", "3", trials=3)
        runs.append([shell.run("show", "--trial", str(n), "--json").json for n in range(3)])
    for first, second in zip(*runs, strict=True):
        assert first["params"] == second["params"]
        assert first["curve"] == second["curve"]


def test_another_space_is_refused_with_the_difference_and_two_ways_out(shell: Shell) -> None:
    shell.search(trials=1)
    message = shell.search("--set", "optimizer.lr=0.01", trials=2).refused()
    assert "optimizer.lr" in message
    assert "--study" in message
    assert "--accept-space-change" in message
    assert shell.search("--set", "optimizer.lr=0.01", "--accept-space-change", trials=2).code == 0
    assert shell.search("--set", "optimizer.lr=0.02", "--study", "other", trials=1).code == 0


def test_other_data_is_refused_and_cannot_be_accepted(shell: Shell) -> None:
    shell.search(trials=1)
    message = shell.search("--set", "data.split_seed=5", "--accept-space-change", trials=2).refused()
    assert "data.split_seed" in message
    assert "--study" in message


def test_an_inline_search_needs_no_worker(shell: Shell) -> None:
    done = shell.search("--executor", "inline", "--json", trials=2)
    assert done.code == 0, done.err
    assert not (shell.directory / "runs" / "simple_cnn" / "workers").exists()


@pytest.mark.slow
def test_a_timeout_ends_the_search_and_the_next_run_goes_on(shell: Shell) -> None:
    done = shell.search("--timeout", "3s", "--json", trials=200, epochs=30)
    assert done.code == 0, done.err
    assert done.json["outcome"] == "timed out"
    begun = done.json["trials"]
    assert begun["running"] == 0
    again = shell.search("--json", trials=sum(begun.values()), epochs=30)
    assert again.json["outcome"] == "done"
    assert again.json["trials"]["waiting"] == again.json["trials"].get("paused", 0) == 0
    assert again.json["trials"]["complete"] >= 1


def test_studies_lists_the_newest_first_and_show_takes_a_name(shell: Shell) -> None:
    shell.search(trials=1)
    shell.search("--study", "second", trials=1)
    listed = shell.run("studies", "--json").json["studies"]
    assert [study["study"] for study in listed] == ["second", "simple_cnn"]
    assert shell.run("show", "simple_cnn", "--json").json["study"] == "simple_cnn"
    table = shell.run("show", "second").out
    assert "lr=" in table
    assert "batch" not in shell.run("show", "seconf").out
    assert "second" in shell.run("show", "seconf").refused()


def test_the_home_can_be_elsewhere(shell: Shell) -> None:
    shell.search("--home", "elsewhere", trials=1)
    assert not (shell.directory / "runs").exists()
    assert shell.run("show", "--home", "elsewhere", "--json").code == 0
    assert "hpo run" in shell.run("show").refused()


def test_the_store_is_one_file_in_wal_mode_and_space_yaml_is_yaml(shell: Shell) -> None:
    shell.search(trials=1)
    home = shell.directory / "runs"
    with sqlite3.connect(home / "studies.db") as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
    space = yaml.safe_load((home / "simple_cnn" / "space.yaml").read_text())
    assert space["data"]["source"] == "digits"


def test_a_refused_device_leaves_no_study(shell: Shell) -> None:
    assert "--device" in shell.search("--device", "cuda:99", trials=1).refused()
    assert shell.run("studies", "--json").json["studies"] == []
