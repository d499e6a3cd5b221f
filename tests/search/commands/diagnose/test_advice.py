"""Advice can be pasted: every setting that is advised is put into the space that it is about, which is loaded again."""

import re
import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.search.commands.diagnose.advice import Change, Target
from hpo.search.commands.train.options import TrainOptions
from hpo.search.commands.train.single import choose_single
from hpo.search.configuration.configure import configure
from hpo.spaces.load import load_space
from hpo.spaces.parameter import Choice, Float, Scalar
from hpo.spaces.space import SearchSpace, holds, path
from hpo.studies.home import Home
from hpo.training import setting as setting_module
from hpo.training.checkpoints.training_folder import CONFIG
from hpo.training.config import TrialConfig
from hpo.training.data.config import DataConfig
from hpo.training.data.inspect.survey import inspect_data
from hpo.training.setting import Setting
from PIL import Image
from ruamel.yaml import YAML

HERE = "data: {source: digits}\n"
SPACES = {
    "resnet": None,  # the bundled ones
    "simple_cnn": None,
    "nothing said": HERE,
    "a value": f"{HERE}optimizer: {{name: sgd, lr: 5.0}}\n",
    "no learning rate": f"{HERE}optimizer: {{name: adamw}}\nloss: {{label_smoothing: 0.1}}\n",
    "choices": f"{HERE}optimizer: {{name: adam, lr: {{choices: [0.001, 0.01, 0.1, 5.0], prior: 5.0}}}}\n",
    "choices far away": f"{HERE}optimizer: {{name: adam, lr: {{choices: [5.0, 50.0]}}}}\n",
    "branches": f"{HERE}optimizer: {{choices: {{sgd: {{lr: 5.0}}, adamw: }}, prior: adamw}}\n",
    "branches of another name": (
        f"{HERE}optimizer:\n  choices:\n    fast: {{name: sgd, lr: {{low: 0.01, high: 9, prior: 5}}}}\n"
        "    slow: {name: sgd}\n"
        "  prior: fast\nema: {choices: {none: {}, long: {decay: 0.99}}, prior: none}\n"
    ),
    "a list of variants": f"{HERE}optimizer: {{choices: [sgd, adamw], prior: sgd}}\n",
}  # fmt: skip

# What checks, verdicts and `hpo data` advise.
ADVISED = (
    Setting("optimizer.lr", 0.02, 0.0016, 0.25),
    Setting("optimizer.weight_decay", 0.03, 0.0003, 0.03),
    Setting("optimizer.max_grad_norm", 1.0),
    Setting("memory.micro_batch", 32),
    Setting("loss.class_weights", "inverse"),
    Setting("ema.decay", 0.99),
    Setting("budget.patience", 5),
    Setting("budget.epochs", 20),
    Setting("data.image_size", 32),
    Setting("data.test_fraction", 0.3),
    Setting("data.folds", 5),
    Setting("sampling.method", "weighted"),
)


@pytest.fixture(params=SPACES)
def space_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Each of the spaces as a file."""
    text = SPACES[request.param] or Path(load_space.__code__.co_filename).with_name(f"{request.param}.yaml").read_text()
    file = tmp_path / "space.yaml"
    file.write_text(text)
    return file


def test_no_other_key_is_advised() -> None:
    code = [path.read_text() for path in Path(setting_module.__file__).parent.rglob("*.py")]
    keys = {key for text in code for key in re.findall(r"\bSetting\(\"([\w.]+)\"", text)}
    assert keys == {setting.key for setting in ADVISED}


def target_of(space_file: Path) -> Target:
    single = choose_single(TrainOptions(space=str(space_file)), Home(space_file.parent))
    space = load_space(str(space_file), TrialConfig)
    return Target(space, single.params, single.config, f"hpo train --space {space_file}", "", in_file=True)


def holds_now(space: SearchSpace, params: Mapping[str, Scalar], setting: Setting) -> Any:
    """What `space` says for the key of the configuration: a value, or the values of its dimension."""
    wanted = tuple(setting.key.split("."))
    entries = [
        one
        for one in (*space.parameters, *space.values)
        if holds(one.condition, params)
        and path(one.key, one.condition) == wanted
        and not (isinstance(one, Choice) and one.branching)
    ]
    (entry,) = entries
    match entry:
        case Float(low=low, high=high, log=True):
            return (low, high)
        case Choice(choices=choices):
            return choices
        case _:
            return entry.value  # type: ignore[union-attr]


def agrees(now: Any, setting: Setting) -> bool:
    if now == setting.value or now == (setting.low, setting.high):
        return True
    return isinstance(now, tuple) and all(setting.low <= one <= setting.high for one in now)  # type: ignore[operator]


def merged(old: Any, new: Any) -> Any:
    """A space file with lines put where they belong; what holds low or is a value is replaced."""
    if not isinstance(old, dict) or not isinstance(new, dict) or "low" in new or isinstance(new.get("choices"), list):
        return new
    choices = old.get("choices")
    if isinstance(choices, list) and isinstance(new.get("choices"), dict):  # `choices: [sgd, adamw]` spelt out
        old = {**old, "choices": dict.fromkeys(choices)}
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}


def pasted(space_file: Path, lines: str) -> Path:
    yaml, file = YAML(typ="safe"), space_file.with_name("pasted.yaml")
    with file.open("w") as out:
        yaml.dump(merged(yaml.load(space_file.read_text()), yaml.load(lines)), out)
    return file


@pytest.mark.parametrize("setting", ADVISED, ids=lambda setting: setting.key)
def test_every_setting_can_be_set(setting: Setting, space_file: Path) -> None:
    target = target_of(space_file)
    words = shlex.split(target.command((setting,)))
    overrides = [text for flag, text in pairwise(words) if flag == "--set"]
    assert overrides == list(target.change(setting).overrides)
    single = choose_single(TrainOptions(space=str(space_file), overrides=overrides), Home(space_file.parent))
    space = load_space(str(space_file), TrialConfig, overrides)
    assert agrees(holds_now(space, single.params, setting), setting)


@pytest.mark.parametrize("setting", ADVISED, ids=lambda setting: setting.key)
def test_every_setting_can_be_pasted_into_the_file(setting: Setting, space_file: Path) -> None:
    change = target_of(space_file).change(setting)
    file = pasted(space_file, change.lines)
    single = choose_single(TrainOptions(space=str(file)), Home(space_file.parent))
    assert agrees(holds_now(load_space(str(file), TrialConfig), single.params, setting), setting)


def test_all_settings_at_once(space_file: Path) -> None:
    target = target_of(space_file)
    words = shlex.split(target.command(ADVISED))
    overrides = [text for flag, text in pairwise(words) if flag == "--set"]
    single = choose_single(TrainOptions(space=str(space_file), overrides=overrides), Home(space_file.parent))
    config = single.config
    assert config.optimizer.max_grad_norm == 1.0
    assert 0.0016 <= config.optimizer.lr <= 0.25
    assert config.optimizer.name == target.config.optimizer.name


def test_a_range_to_search_can_be_set_and_pasted(space_file: Path) -> None:
    """Whatever the space has for the rate now."""
    change = target_of(space_file).dimension(ADVISED[0])
    for source, overrides in ((space_file, change.overrides), (pasted(space_file, change.lines), ())):
        single = choose_single(TrainOptions(space=str(source), overrides=overrides), Home(space_file.parent))
        space = load_space(str(source), TrialConfig, overrides)
        assert holds_now(space, single.params, ADVISED[0]) == (0.0016, 0.25)


def change_in(name: str, tmp_path: Path, setting: Setting = ADVISED[0]) -> Change:
    file = tmp_path / "space.yaml"
    file.write_text(SPACES[name] or "")
    return target_of(file).change(setting)


def test_the_form_is_that_of_the_space(tmp_path: Path) -> None:
    assert change_in("a value", tmp_path).overrides == ("optimizer.lr=0.02",)
    assert change_in("nothing said", tmp_path).overrides == ("optimizer.name=sgd", "optimizer.lr=0.02")
    assert change_in("choices", tmp_path).overrides == ("optimizer.lr={choices: [0.01, 0.1]}",)
    assert change_in("choices far away", tmp_path).overrides == ("optimizer.lr={choices: [0.0016, 0.02, 0.25]}",)
    assert change_in("branches", tmp_path).overrides == ("optimizer.adamw.lr=0.02",)
    fast = change_in("branches of another name", tmp_path)
    assert fast.overrides == ("optimizer.fast.lr={low: 0.0016, high: 0.25, log: true}",)
    assert fast.flags == "--set 'optimizer.fast.lr={low: 0.0016, high: 0.25, log: true}'"
    lines = "optimizer:\n  choices:\n    fast:\n      lr: {low: 0.0016, high: 0.25, log: true}\n"
    assert fast.lines == lines


def test_a_prior_in_the_range_stays(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text(
        f"{HERE}optimizer: {{name: sgd, lr: {{low: 0.01, high: 9, log: true, prior: 0.1, confidence: high}}}}\n"
    )
    change = target_of(file).change(ADVISED[0])
    assert change.value == {"low": 0.0016, "high": 0.25, "log": True, "prior": 0.1, "confidence": "high"}
    load_space(str(file), TrialConfig, change.overrides)


@pytest.mark.parametrize("setting", ADVISED, ids=lambda setting: setting.key)
def test_the_configuration_of_a_run_is_a_space(setting: Setting, tmp_path: Path, space_file: Path) -> None:
    """`hpo train --space RUN/config.json --set KEY=VALUE` trains a run again."""
    folder = tmp_path / "a run"
    folder.mkdir()
    config = target_of(space_file).config
    (folder / CONFIG).write_text(config.model_dump_json(indent=2))
    words = shlex.split(Target.training(folder, config).command((setting,)))
    assert words[:3] == ["hpo", "train", "--space"]
    space = load_space(words[3], TrialConfig, words[5::2])
    assert space.fixed[setting.key] == setting.value
    configure(space, {})


@pytest.mark.parametrize(("side", "image_size", "few"), [(64, 16, 5), (8, 32, 20)])
def test_what_hpo_data_suggests_can_be_set(side: int, image_size: int, few: int, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name, count in (("many", 140), ("few", few)):
        (tmp_path / name).mkdir()
        for number in range(count):
            pixels = random.integers(0, 256, (side, side), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    found = inspect_data(DataConfig(source=str(tmp_path), image_size=image_size))
    flags = [flag for text in found.suggestions for flag in re.findall(r"--set ([\w.=]+\w)", text)]
    keys = {flag.partition("=")[0] for flag in flags}
    assert keys == {"loss.class_weights", "sampling.method", "data.image_size", "data.test_fraction", "data.folds"}
    for flag in flags:
        key, _, value = flag.partition("=")
        assert str(load_space("simple_cnn", TrialConfig, [flag]).fixed[key]) == value
