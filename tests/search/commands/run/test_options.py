"""What `hpo run` was asked to do."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import SpaceError, StudyError
from hpo.search.cli import main
from hpo.search.commands.run.options import RunOptions
from hpo.search.commands.trial_fields import parse_duration, parse_workers
from hpo.search.executors.registry import EXECUTORS
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("45", 45), ("0.5h", 1800), ("1H0m", 3600),
     (" 2m ", 120), ("1h1m1s", 3661), ("1.5", 1.5)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "soon", "h", "2d", "1m1h", "-5", "2h30", "1 h", "1e3", "٣h"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(SpaceError, match="--timeout must be a duration such as 2h, 1h30m, 90m or 45s"):
        parse_duration(text)


def test_workers() -> None:
    assert parse_workers("auto") is None
    assert parse_workers("3") == 3
    for text in ("0", "-1", "two", "1.5", "", "²"):
        with pytest.raises(SpaceError, match="--workers must be auto or at least 1"):
            parse_workers(text)


def test_executors() -> None:
    assert [RunOptions("s", 1, executor=name).executor for name in EXECUTORS] == ["process", "inline", "ray"]  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match="--executor: unknown executor 'inlin'; did you mean inline"):
        RunOptions("s", 1, executor="inlin")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"ray_address": "head:6379"}, "--ray-address is for --executor ray, got --executor process"),
        ({"gpus_per_trial": 0.5, "executor": "inline"}, "--gpus-per-trial is for --executor ray"),
        ({"ray_unauthenticated": True}, "--ray-unauthenticated is for --executor ray"),
        ({"executor": "ray", "device": "cuda"}, "--device is the nodes' own with --executor ray, got cuda"),
        ({"executor": "ray", "cpus_per_trial": 0.0}, "--cpus-per-trial must be more than 0, got 0"),
        ({"executor": "ray", "gpus_per_trial": 1.5}, "--gpus-per-trial must be a share of a card or a whole number"),
    ],
)
def test_what_belongs_to_a_cluster(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        RunOptions("s", 1, **given)
    command = RunOptions("s", 1, executor="ray", ray_unauthenticated=True, gpus_per_trial=0.25).command
    assert command == "hpo run --space s --trials 1 --executor ray --gpus-per-trial 0.25 --ray-unauthenticated"


@pytest.mark.parametrize("timeout_s", [0.0, -1.0])
def test_a_timeout_must_be_some_time(timeout_s: float) -> None:
    with pytest.raises(SpaceError, match="--timeout must be longer than 0 s"):
        RunOptions("s", 1, timeout_s=timeout_s)


@pytest.mark.parametrize("name", ["a/b", "..", "../x", ".hidden", "", " x", "a\nb", "-x"])
def test_a_study_must_be_the_name_of_a_folder(name: str) -> None:
    with pytest.raises(SpaceError, match="--study must begin with a letter or digit"):
        RunOptions("s", 1, study=name)


@pytest.mark.parametrize("name", ["resnet", "resnet 2", "größe-3.1", "a+b", "2024"])
def test_names_that_people_give(name: str) -> None:
    assert RunOptions("s", 1, study=name).study == name


@pytest.mark.parametrize(
    "options",
    [
        RunOptions("resnet.yaml", 50),
        RunOptions(
            "my space.yaml", 3, study="größe 3", data="./my images", data_root=Path("/data of mine"), epochs=4,
            overrides=("model={name: simple_cnn}", "loss.label_smoothing=0.1"), workers=2, device="cpu", timeout_s=90.0,
            seed=7, sampler="qmc", pruner="asha", storage="sqlite:///other.db", tracking_uri="none", home=Path("h"),
            executor="inline", accept_space_change=True, skip_export_check=True,
        ),
    ],
)  # fmt: skip
def test_the_command_of_options_asks_for_them(options: RunOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[RunOptions] = []

    def note(options: RunOptions, watcher: object) -> None:
        asked.append(options)
        raise SpaceError("seen")

    monkeypatch.setattr("hpo.search.commands.run.run.run", note)
    monkeypatch.setattr("sys.argv", shlex.split(options.command))
    with pytest.raises(SystemExit):
        main()
    assert asked == [options]


@pytest.mark.parametrize("field", ["storage", "tracking_uri"])
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgresql+psycopg://ann:s3cr%40t@db.example/hpo", "postgresql+psycopg://ann:***@db.example/hpo"),
        ("https://:s3cr@host:5000/a@b", "https://:***@host:5000/a@b"),
        ("https://host:5000/a:b@c", "https://host:5000/a:b@c"),
        ("sqlite:////tmp/a:b@c.db", "sqlite:////tmp/a:b@c.db"),
    ],
)
def test_the_command_tells_no_password(field: str, given: str, shown: str) -> None:
    words = shlex.split(RunOptions("s", 1, **{field: given}).command)
    assert words[-2:] == [f"--{field.replace('_', '-')}", shown]


def test_flags_come_after_set_and_stand_for_keys() -> None:
    options = RunOptions("s", 1, data="digits", epochs=3, seed=7, overrides=("budget.epochs=9", "loss={}"))
    assert options.space_overrides(None) == [
        "budget.epochs=9", "loss={}", 'data.source="digits"', "budget.epochs=3", "seed=7",
    ]  # fmt: skip
    assert RunOptions("s", 1, seed=7).space_overrides(5) == ["seed=7"]
    assert RunOptions("s", 1).space_overrides(5) == ["seed=5"]
    assert RunOptions("s", 1).space_overrides(None) == []


@pytest.mark.parametrize("folder", ["images", "a: b", "it's {here}", "- x", "#1"])
def test_a_folder_of_any_name_becomes_the_source(folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / folder).mkdir()
    for data in (folder, f"./{folder}", str(tmp_path / folder)):
        overrides = RunOptions("resnet", 1, data=data).space_overrides(None)
        space = load_space("resnet", TrialConfig, overrides)
        assert space.fixed["data.source"] == str(tmp_path / folder)


def test_a_name_that_is_no_folder_stays_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunOptions("s", 1, data="mnist").space_overrides(None) == ['data.source="mnist"']


def test_home_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert RunOptions("s", 1, data="~/pictures").space_overrides(None) == ['data.source="/home/ada/pictures"']


def test_trackers_are_named_by_one_name_each_or_with_commas() -> None:
    assert RunOptions("s", 1).track == ("mlflow",)
    assert RunOptions("s", 1, track="none").track == ("none",)
    options = RunOptions("s", 1, track=("tensorboard", "mlflow,wandb"))
    assert options.track == ("tensorboard", "mlflow", "wandb")
    assert options.command == "hpo run --space s --trials 1 --track tensorboard,mlflow,wandb"
    with pytest.raises(StudyError, match="did you mean tensorboard"):
        RunOptions("s", 1, track=("tensorbord",))
