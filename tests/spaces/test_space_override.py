"""`--set key=value`: what it changes, and what it refuses."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.training.config import TrialConfig

FILE = """
data: {source: digits, batch_size: {choices: [64, 128], prior: 128}}
model: {name: resnet, width: {low: 16, high: 64}}
optimizer:
  choices:
    sgd: {lr: {low: 0.01, high: 1.0, log: true, prior: 0.1}, momentum: 0.9}
    adamw: {lr: {low: 1e-4, high: 1e-2, log: true}}
  prior: sgd
augment: {choices: {none: , strong: {flip: true, crop_padding: {low: 1, high: 4}}}}
schedule: {choices: [cosine, one_cycle]}
"""


@pytest.fixture
def load(tmp_path: Path):  # noqa: ANN201
    file = tmp_path / "space.yaml"
    file.write_text(FILE)

    def load(*overrides: str) -> SearchSpace:
        return load_space(str(file), TrialConfig, overrides)

    return load


CHANGES = {
    # overrides -> the dimensions there are not any more, those there are besides, and the fixed values
    "a fixed value": (["seed=7"], set(), set(), {"seed": 7}),
    "a new section": (["loss.label_smoothing=0.1"], set(), set(), {"loss.label_smoothing": 0.1}),
    "a value for a dimension": (["model.width=32"], {"model.width"}, set(), {"model.width": 32}),
    "a dimension for a value": (["model.dropout={low: 0, high: 0.5}"], set(), {"model.dropout"}, {}),
    "a bound": (["model.width.high=32"], set(), set(), {}),
    "a value in a branch": (["optimizer.sgd.lr=0.1"], {"optimizer.sgd.lr"}, set(), {"optimizer.sgd.lr": 0.1}),
    "a new value in a branch": (["optimizer.adamw.beta2=0.99"], set(), set(), {"optimizer.adamw.beta2": 0.99}),
    "the prior of branches": (["optimizer.prior=adamw"], set(), set(), {}),
    "one branch": (
        ["optimizer=sgd"],
        {"optimizer", "optimizer.sgd.lr", "optimizer.adamw.lr"},
        {"optimizer.lr"},
        {"optimizer.name": "sgd", "optimizer.momentum": 0.9},
    ),
    "one branch, then a value named through it": (
        ["optimizer=sgd", "optimizer.sgd.lr=0.5"],
        {"optimizer", "optimizer.sgd.lr", "optimizer.adamw.lr"},
        set(),
        {"optimizer.name": "sgd", "optimizer.lr": 0.5},
    ),
    "a value in a branch, then the branch": (
        ["optimizer.sgd.lr=0.5", "optimizer=sgd"],
        {"optimizer", "optimizer.sgd.lr", "optimizer.adamw.lr"},
        set(),
        {"optimizer.lr": 0.5},
    ),
    "one branch of a plain section": (
        ["augment=strong"],
        {"augment", "augment.strong.crop_padding"},
        {"augment.crop_padding"},
        {"augment.flip": True},
    ),
    "the empty branch of a plain section": (
        ["augment=none"],
        {"augment", "augment.strong.crop_padding"},
        set(),
        {},
    ),
    "a branch of a list": (["schedule.cosine.warmup=0.2"], set(), set(), {"schedule.cosine.warmup": 0.2}),
    "a variant without a branch": (["schedule=step"], {"schedule"}, set(), {"schedule.name": "step"}),
    "a variant, then its field": (
        ["schedule=step", "schedule.drops=3"],
        {"schedule"},
        set(),
        {"schedule.name": "step", "schedule.drops": 3},
    ),
    "a whole section": (["model={name: simple_cnn, width: 8}"], {"model.width"}, set(), {"model.name": "simple_cnn"}),
    "a new branch": (
        ["optimizer={choices: {adamw: {lr: {low: 1e-4, high: 1e-2}}}}"],
        {"optimizer.sgd.lr"},
        set(),
        {"optimizer.adamw.name": "adamw"},
    ),
    "a string that only looks like a number": (["data.source='10'"], set(), set(), {"data.source": "10"}),
    "an equals sign in the value": (["data.source=a=b"], set(), set(), {"data.source": "a=b"}),
}


@pytest.mark.parametrize("case", CHANGES)
def test_changes(load, case: str) -> None:  # noqa: ANN001
    overrides, gone, new, fixed = CHANGES[case]
    before, after = load(), load(*overrides)
    assert after.by_key.keys() == (before.by_key.keys() - gone) | new
    assert {key: after.fixed[key] for key in fixed} == fixed
    assert after != before or case == "the empty branch of a plain section"


def test_a_branch_kept_alone_keeps_its_dimensions(load) -> None:  # noqa: ANN001
    assert load("optimizer=sgd").priors() == {"data.batch_size": 128, "optimizer.lr": 0.1}


def test_a_branch_with_dots_in_its_name(load) -> None:  # noqa: ANN001
    space = load("model={choices: {./net.py:Net: {a: 1}, resnet: }}", "model../net.py:Net.a={low: 1, high: 3}")
    assert "model../net.py:Net.a" in space.by_key


def test_paths_are_meant_from_the_working_directory(load, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ANN001
    monkeypatch.chdir("/")
    assert load("data.source=./images").fixed["data.source"] == "/images"
    assert load("model={name: net.py:Net, a: 1}").fixed["model.name"] == "/net.py:Net"


REFUSED = {
    "loss.\nx=1": "--set loss. x=1: must be key=value",
    "seed": "--set seed: must be key=value",
    "=3": "--set =3: must be key=value",
    "seed=[1": "--set seed=[1: not valid YAML",
    "seed=!!int 3": "--set seed=!!int 3: YAML tags",
    "seed=soon": "--set seed=soon: seed: must be a valid integer, got 'soon'",
    "sed=1": "--set sed=1: sed: unknown key; did you mean seed?",
    "modle.width=1": "modle.width: unknown key; did you mean model?",
    "model.widht=1": "model.widht: unknown key; did you mean width?",
    "optimizer.lr=1": "goes through a choice of branches; did you mean optimizer.sgd.lr or optimizer.adamw.lr?",
    "optimizer.sdg.lr=1": "goes through a choice of branches; did you mean sgd?",
    "optimizer.x=1": "goes through a choice of branches; choose from adamw, sgd",
    "lr=0.1": "unknown key; did you mean optimizer.sgd.lr or optimizer.adamw.lr?",
    "learning_rate=0.1": "unknown key; did you mean optimizer.sgd.lr or optimizer.adamw.lr?",
    "epochs=3": "unknown key; did you mean budget.epochs?",
    "train.batch_size=3": "unknown key; did you mean data.batch_size?",
    "model.label_smoothing=0.1": "unknown key; did you mean loss.label_smoothing?",
    "optimizer.sgd.lr={min: 1, max: 2}": "has low and high, or choices; write low for min, high for max; got min, max",
    "data.batch_size={values: [8]}": "write choices for values; got values",
    "data.batch_size={choices: [8, 16], default: 8}": "choices; write prior for default; got default",
    "optimizer.sgd.lr.high=1000": "1000: optimizer.sgd.lr: high must be less than or equal to 100",
    "optimizer.sgd.lr=1000": "1000: optimizer.sgd.lr: must be less than or equal to 100, got 1000",
    "optimizer.sgd.momentum.high=1": "has no high, it is 0.9",
    "seed.low=1": "has no low, it is not set",
    "optimizer=adamww": "no variant 'adamww'; did you mean adamw?",
    "augment=storng": "no branch 'storng'; did you mean strong?",
    "augment.strong.filp=1": "unknown key; did you mean flip?",
    "model.name.x=1": "has no x",
    "data={choices: {a: {source: {choices: [b]}}}}": "data.a.source: must be a value, since it decides",
    "model.width={low: 64, high: 16}": "model.width: low must be <= high",
    "optimizer.adamw.lr.log.x=1": "has no log.x",
}


@pytest.mark.parametrize("override", REFUSED)
def test_refuses(load, override: str) -> None:  # noqa: ANN001
    with pytest.raises(SpaceError) as caught:
        load(override)
    assert str(caught.value).startswith("--set ")
    assert REFUSED[override] in str(caught.value)
    assert len(str(caught.value).splitlines()) <= 3


def test_a_section_that_is_not_there_says_its_variant_first(tmp_path: Path) -> None:
    file = tmp_path / "space.yaml"
    file.write_text("seed: 1")
    with pytest.raises(SpaceError, match=r"optimizer\.lr: needs name to be set first, choose from sgd, adam, adamw"):
        load_space(str(file), TrialConfig, ["optimizer.lr=0.1"])
    space = load_space(str(file), TrialConfig, ["optimizer=adamw", "optimizer.lr=0.1", "loss.label_smoothing=0.1"])
    assert space.fixed["optimizer.lr"] == 0.1
