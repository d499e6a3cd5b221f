"""What a user can get wrong: exit code 2, at most three lines that say what and how else, and nothing left behind."""

import time

import pytest

from .conftest import Shell

RUN = ["run", "--space", "simple_cnn", "--data", "digits", "--trials", "1", "--tracking-uri", "none"]
COMMAND_LINES = {
    "an unknown flag": (["run", "--space", "resnet", "--trails", "2"], ["--trails", "--trials"]),
    "an unknown command": (["chek", "resnet"], ["'chek'", "'check'"]),
    "a missing value": (["run", "--space", "resnet", "--trials"], ["--trials", "requires an argument"]),
    "a missing flag": (["run", "--trials", "2"], ["--space"]),
    "letters for a number": (["run", "--space", "resnet", "--trials", "many"], ["--trials", "integer"]),
    "an argument too many": (["show", "one", "two"], ["two"]),
    "an unknown space": (
        ["run", "--space", "resnt", "--trials", "2"],
        ["resnt: no such space", "did you mean resnet?"],
    ),
    "an unknown space to check": (["check", "resnt.yaml"], ["resnt.yaml: no such space", "did you mean resnet?"]),
    "no trial": ([*RUN, "--trials", "0"], ["--trials must be at least 1, got 0"]),
    "no worker": ([*RUN, "--workers", "0"], ["--workers must be auto or at least 1, got '0'"]),
    "no device": ([*RUN, "--device", "gpu"], ["--device must be auto, cpu, cuda or cuda:0,1, got 'gpu'"]),
    "no duration": ([*RUN, "--timeout", "soon"], ["--timeout must be a duration such as 2h", "'soon'"]),
    "no sampler": ([*RUN, "--sampler", "tpee"], ["--sampler", "'tpee'", "did you mean tpe?"]),
    "no pruner": ([*RUN, "--pruner", "medain"], ["--pruner", "'medain'", "did you mean median?"]),
    "no executor": ([*RUN, "--executor", "proces"], ["--executor", "did you mean process?"]),
    "a study with a slash": ([*RUN, "--study", "../x"], ["--study", "no slash", "'../x'"]),
    "a study that is the home's cache": (
        [*RUN, "--study", "Cache"],
        ["--study", "the home's own", "try 'study-Cache'"],
    ),
    "an unknown key": ([*RUN, "--set", "model.widht=8"], ["--set model.widht=8", "did you mean width?"]),
    "a value out of range": ([*RUN, "--set", "model.width=2"], ["model.width", "got 2"]),
    "half an override": ([*RUN, "--set", "model.width"], ["--set", "model.width"]),
    "no epochs": ([*RUN, "--epochs", "0"], ["budget.epochs", "got 0"]),
    "nothing to show": (["show"], ["holds no studies", "hpo run", "--home"]),
    "a store that is not there": (["show", "--storage", "sqlite:///old.db"], ["--storage", "/old.db does not exist"]),
    "no store to retrain from": (
        ["retrain-best", "--storage", "sqlite:///new/old.db"],
        ["--storage", "/new/old.db does not exist"],
    ),
    "a store in no folder": (
        [*RUN, "--storage", "sqlite:///new/disk/x.db"],
        ["there is no folder", "/new/disk; make it"],
    ),
    "nothing to list": (["studies"], ["holds no studies", "hpo run", "--home"]),
    "nothing to browse": (["ui"], ["holds no studies", "hpo run", "--home"]),
    "nothing to retrain": (["retrain-best"], ["holds no studies", "hpo run", "--home"]),
    "nothing to evaluate": (
        ["evaluate", "resnet"],
        ["'resnet' is neither a folder", "nor a study", "holds no studies"],
    ),
    "no such split": (["evaluate", "resnet", "--split", "train"], ["--split must be test or val, got 'train'"]),
    "a split of other data": (
        ["evaluate", "m", "--split", "test", "--data", "d"],
        ["--data", "--split", "one of them"],
    ),
    "no such model": (["predict", "./gone", "a.png"], ["/gone does not exist"]),
    "no model in the folder": (["predict", ".", "a.png"], ["holds no trained model", "manifest.json", "run.json"]),
    "no image to predict": (["predict", "resnet"], ["IMAGE"]),
    "two forms at once": (["predict", "m", "a.png", "--json", "--csv"], ["--json and --csv", "one of them"]),
    "an ending that says nothing": (["predict", "m", "a.png", "--out", "a.txt"], ["--out a.txt", "csv, json, jsonl"]),
    "no batch": (["predict", "m", "a.png", "--batch-size", "0"], ["--batch-size must be 1 to 65536, got 0"]),
}


@pytest.mark.parametrize("mistake", COMMAND_LINES)
def test_a_wrong_command_line(shell: Shell, mistake: str) -> None:
    arguments, words = COMMAND_LINES[mistake]
    done = shell.run(*arguments)
    message = done.refused()
    assert [word for word in words if word not in message] == []
    assert done.out == ""
    assert list(shell.directory.iterdir()) == []


def test_an_error_in_a_space_file_is_shown_with_its_line(shell: Shell) -> None:
    (shell.directory / "mine.yaml").write_text("data: {source: digits}\nmodel: {name: resnet, dpeth: 10}\n")
    for command in (["run", "--trials", "1", "--space", "mine.yaml"], ["check", "mine.yaml"]):
        assert "mine.yaml:2: model.dpeth: unknown key; did you mean depth?" in shell.run(*command).refused()
    (shell.directory / "mine.yaml").write_text("optimizer:\n  name: sgd\n  lr: {low: 0, high: 1, log: true}\n")
    message = shell.run("check", "mine.yaml").refused()
    assert "mine.yaml:3: optimizer.lr: low must be > 0 with log: true, got 0" in message


def test_cifar10_that_is_neither_here_nor_to_be_had_is_refused_at_once(shell: Shell) -> None:
    start = time.monotonic()
    message = shell.run("run", "--space", "resnet.yaml", "--trials", "50", "--executor", "inline").refused()
    assert time.monotonic() - start < 60
    for words in ("cifar10 is not on disk", str(shell.directory / "no-data"), "cannot be downloaded", "--data digits"):
        assert words in message
    assert "urlopen" not in message
    assert shell.run("studies", "--json").json["studies"] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("./no-such-images", ["no-such-images does not exist", "one folder of images per class"]),
        ("digitz", ["no data set and no folder is called 'digitz'", "did you mean digits?"]),
        ("./empty", ["empty"]),
        ("./notes.txt", ["notes.txt"]),
    ],
)
def test_data_that_is_not_there(shell: Shell, data: str, words: list[str]) -> None:
    (shell.directory / "empty").mkdir()
    (shell.directory / "notes.txt").write_text("buy milk")
    asked = ("--space", "simple_cnn", "--data", data, "--trials", "1", "--executor", "inline")
    message = shell.run("run", *asked).refused()
    assert [word for word in words if word not in message] == []
    assert shell.run("studies", "--json").json["studies"] == []


def test_a_space_whose_name_no_study_may_have(shell: Shell) -> None:
    (shell.directory / "train.yaml").write_text("data: {source: digits}\nbudget: {epochs: 1}\n")
    message = shell.run("run", "--space", "train.yaml", "--trials", "1").refused()
    assert "space train.yaml: a study's name must not be one of the home's own" in message
    assert "try 'study-train' with --study" in message
    assert not (shell.directory / "runs").exists()


def test_a_home_that_cannot_be_written(shell: Shell) -> None:
    (shell.directory / "taken").write_text("a file")
    message = shell.run(*RUN, "--home", "taken").refused()
    assert str(shell.directory / "taken") in message
    assert "--home" in message
    assert "--storage" in shell.run(*RUN, "--storage", "sqlite:///taken/x.db").refused()


def test_a_store_that_is_no_database(shell: Shell) -> None:
    (shell.directory / "runs").mkdir()
    (shell.directory / "runs" / "studies.db").write_text("buy milk\n" * 100)
    for command in (RUN, ["show"], ["studies"], ["ui"], ["retrain-best"]):
        assert "studies.db" in shell.run(*command).refused()
    assert (shell.directory / "runs" / "studies.db").read_text() == "buy milk\n" * 100


def test_an_unknown_study_or_trial_is_named_with_what_there_is(shell: Shell) -> None:
    assert shell.search(trials=1, epochs=1).code == 0
    assert "did you mean simple_cnn?" in shell.run("show", "simple_cn").refused()
    assert "did you mean simple_cnn?" in shell.run("retrain-best", "--study", "simple_cn").refused()
    assert "has trials 0 to 0, got 7" in shell.run("show", "--trial", "7").refused()
    assert "has trials 0 to 0, got 7" in shell.run("retrain-best", "--trial", "7").refused()
    assert "cuda" in shell.run("retrain-best", "--device", "cuda:99", "--tracking-uri", "none").refused()
    assert "--out" in shell.run("retrain-best", "--out", ".", "--tracking-uri", "none").refused()


def test_a_scale_that_differs_cannot_be_accepted(shell: Shell) -> None:
    shell.search(trials=1, epochs=1)
    change = ["--set", "model.dropout={low: 0.01, high: 0.5, log: true}"]
    message = shell.search(*change, "--accept-space-change", trials=2).refused()
    assert "model.dropout" in message
    assert "--study" in message
    assert "goes on with this one" not in message
    assert shell.run("show", "--json").json["trials"]["complete"] == 1


@pytest.mark.slow
def test_check_tries_models_and_their_export_where_data_are_given(shell: Shell) -> None:
    (shell.directory / "mynet.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Linear):\n    def __init__(self, num_classes, in_channels):\n"
        "        super().__init__(64, num_classes)\n\n    def forward(self, images):\n"
        "        return super().forward(images.flatten(1)) * (2 if images.mean() > 0 else 1)\n"
    )
    (shell.directory / "mine.yaml").write_text("model: {name: ./mynet.py:Net}\n")
    assert shell.run("check", "mine.yaml").code == 0
    message = shell.run("check", "mine.yaml", "--data", "digits").refused()
    assert "mynet.py:9: a branch here depends on the values of the images" in message
    assert "--skip-export-check" in message
    assert shell.run("check", "simple_cnn", "--data", "digits").code == 0
