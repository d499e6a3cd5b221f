"""What a space file means once it is read."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.spaces.find import Source, bundled
from hpo.spaces.load import load_source, load_space
from hpo.spaces.node import Location
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace
from hpo.training.augment.config import AugmentConfig
from hpo.training.config import TrialConfig

EXAMPLE = """
objective: {metric: val_accuracy, direction: maximize}
data: {source: cifar10, batch_size: {choices: [64, 128, 256], prior: 128, confidence: medium}}
model:
  name: resnet
  depth: {choices: [10, 18]}
  width: {low: 16, high: 64, log: true}
optimizer:
  choices:
    sgd: {lr: {low: 0.01, high: 1.0, log: true, prior: 0.1}, momentum: 0.9}
    adamw: {lr: {low: 1e-4, high: 1e-2, log: true}}
  prior: sgd
"""


def load(folder: Path, text: str, *overrides: str) -> SearchSpace:
    file = folder / "space.yaml"
    file.write_text(text, encoding="utf-8")
    return load_space(str(file), TrialConfig, overrides)


def test_reads_every_kind_of_dimension(tmp_path: Path) -> None:
    space = load(tmp_path, EXAMPLE)
    sgd, adamw = (("optimizer", "sgd"),), (("optimizer", "adamw"),)
    assert space.name == "space"
    assert space.parameters == (
        Choice("data.batch_size", (64, 128, 256), prior_index=1, confidence="medium"),
        Choice("model.depth", (10, 18)),
        Int("model.width", 16, 64, log=True),
        Choice("optimizer", ("adamw", "sgd"), branching=True, prior_index=1),
        Float("optimizer.sgd.lr", 0.01, 1.0, log=True, prior=0.1, condition=sgd),
        Float("optimizer.adamw.lr", 1e-4, 1e-2, log=True, condition=adamw),
    )
    assert space.fixed["optimizer.sgd.momentum"] == 0.9
    assert space.priors() == {"data.batch_size": 128, "optimizer": "sgd", "optimizer.sgd.lr": 0.1}


def test_tree_holds_the_chosen_branch_alone(tmp_path: Path) -> None:
    space = load(tmp_path, EXAMPLE)
    params = {"data.batch_size": 64, "model.depth": 10, "model.width": 20}
    tree = space.tree({**params, "optimizer": "adamw", "optimizer.adamw.lr": 0.001})
    assert tree["optimizer"] == {"name": "adamw", "lr": 0.001}
    assert tree["model"] == {"name": "resnet", "depth": 10, "width": 20}


@pytest.mark.parametrize(
    ("more", "law"),
    [
        ({}, "optimizer.adamw.lr: every dimension of a trial needs a value"),
        ({"optimizer.adamw.lr": 0.001, "optimizer.sgd.lr": 0.1}, "exists only where optimizer is sgd, got 0.1"),
        ({"optimizer.adamw.lr": 0.001, "model.widht": 3}, "did you mean model.width?"),
    ],
)
def test_tree_refuses_params_of_another_space(tmp_path: Path, more: dict[str, float], law: str) -> None:
    params = {"data.batch_size": 64, "model.depth": 10, "model.width": 20, "optimizer": "adamw"}
    with pytest.raises(SpaceError, match=law.replace("?", r"\?")):
        load(tmp_path, EXAMPLE).tree({**params, **more})


def test_tree_refuses_an_unknown_branch(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="no branch 'sdg'; did you mean sgd"):
        load(tmp_path, "optimizer: {choices: [sgd, adamw]}").tree({"optimizer": "sdg"})


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("loss: {label_smoothing: {low: 0, high: 0.5}}", Float),
        ("optimizer: {name: sgd, lr: {low: 1, high: 2}}", Float),
        ("budget: {epochs: {low: 1, high: 9, step: 4}}", Int),
        ("model: {name: n.py:N, a: {low: 1, high: 9}}", Int),
        ("model: {name: n.py:N, a: {low: 1, high: 9.0}}", Float),
        ("model: {name: n.py:N, a: {low: 1, high: 2, step: 0.25}}", Float),
        ("optimizer: {name: sgd, max_grad_norm: {low: 1, high: 9}}", Float),
    ],
)
def test_whole_or_real_by_field_and_by_value(tmp_path: Path, text: str, kind: type) -> None:
    assert [type(parameter) for parameter in load(tmp_path, text).parameters] == [kind]


def test_null_may_be_a_choice_and_a_prior(tmp_path: Path) -> None:
    space = load(tmp_path, "optimizer: {name: sgd, max_grad_norm: {choices: [null, 1], prior: null}}")
    assert space.priors() == {"optimizer.max_grad_norm": None}
    assert space.parameters[0] == Choice("optimizer.max_grad_norm", (None, 1.0), prior_index=0)


def test_numbers_are_those_of_yaml_1_2(tmp_path: Path) -> None:
    text = (
        "model: {name: n.py:N, a: 1e-4, b: 010, c: 0x10, d: 1_000, e: on, f: ~, g: '1', h: 2024-01-01, i: +.5, j: 0o17}"
    )
    fixed = load(tmp_path, text).fixed
    values = [fixed[f"model.{key}"] for key in "abcdefghij"]
    assert values == [1e-4, 10, 16, "1_000", "on", None, "1", "2024-01-01", 0.5, 15]


def test_short_forms_of_variants(tmp_path: Path) -> None:
    long = load(tmp_path, "schedule: {choices: {cosine: {name: cosine}, step: {}}}\noptimizer: {name: adamw}")
    short = load(tmp_path, "schedule: {choices: [step, cosine]}\noptimizer: adamw")
    assert long.canonical() == short.canonical()


def test_two_branches_of_one_variant(tmp_path: Path) -> None:
    text = "optimizer: {choices: {calm: {name: sgd, lr: 0.01}, wild: {name: sgd, lr: {low: 1, high: 9}}}}"
    space = load(tmp_path, text)
    assert space.tree({"optimizer": "calm"}) == {"optimizer": {"name": "sgd", "lr": 0.01}}
    wild = space.tree({"optimizer": "wild", "optimizer.wild.lr": 2.0})
    assert wild == {"optimizer": {"name": "sgd", "lr": 2.0}}


def test_branches_of_a_plain_section_nest(tmp_path: Path) -> None:
    text = (
        "augment: {choices: {none: , some: {choices: {flip: {flip: true}, crop: {crop_padding: {low: 1, high: 4}}}}}}"
    )
    space = load(tmp_path, text)
    assert [parameter.key for parameter in space.parameters] == [
        "augment",
        "augment.some",
        "augment.some.crop.crop_padding",
    ]
    assert space.size() == 1 + 1 + 4
    assert space.tree({"augment": "none"}) == {}
    assert space.tree({"augment": "some", "augment.some": "flip"}) == {"augment": {"flip": True}}
    crop = {"augment": "some", "augment.some": "crop", "augment.some.crop.crop_padding": 3}
    assert space.tree(crop) == {"augment": {"crop_padding": 3}}


def test_size_counts_configurations(tmp_path: Path) -> None:
    finite = "data: {batch_size: {choices: [8, 16]}}\nbudget: {epochs: {low: 1, high: 7, step: 3}}\n"
    assert load(tmp_path, finite).size() == 6
    assert load(tmp_path, finite + "loss: {label_smoothing: {low: 0, high: 0.3, step: 0.1}}").size() == 24
    assert load(tmp_path, finite + "loss: {label_smoothing: {low: 0, high: 0.3}}").size() == float("inf")
    assert load(tmp_path, "seed: 1").size() == 1


def test_relative_paths_are_meant_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    space = load(
        tmp_path, "data: {source: ../images}\nmodel: {choices: {./net.py:Net: {depth: {low: 1, high: 3}}, resnet: }}"
    )
    assert space.fixed["data.source"] == str(tmp_path.parent / "images")
    assert space.fixed["model../net.py:Net.name"] == f"{tmp_path}/net.py:Net"
    params = {"model": "./net.py:Net", "model../net.py:Net.depth": 2}
    assert space.tree(params)["model"] == {"name": f"{tmp_path}/net.py:Net", "depth": 2}
    assert load(tmp_path, "model: {name: net.py:Net}").fixed["model.name"] == f"{tmp_path}/net.py:Net"
    assert load(tmp_path, "data: {source: digits}").fixed["data.source"] == "digits"


def test_aliases_repeat_a_value(tmp_path: Path) -> None:
    text = "optimizer: {choices: {sgd: {lr: &lr {low: 0.1, high: 1}}, adamw: {lr: *lr}}}"
    assert [parameter.key for parameter in load(tmp_path, text).parameters[1:]] == [
        "optimizer.sgd.lr",
        "optimizer.adamw.lr",
    ]


def test_identity_is_what_a_trial_can_be(tmp_path: Path) -> None:
    one = load(tmp_path, "seed: 3\ndata: {batch_size: {choices: [8, 16], prior: 8}}\nloss: {label_smoothing: 0}")
    same = load(tmp_path, "# else\ndata:\n  batch_size: {choices: [8, 16]}\nseed: 3")
    other = load(tmp_path, "seed: 3\ndata: {batch_size: {choices: [16, 8]}}")
    assert one.hash == same.hash != other.hash
    assert len(one.hash) == 64


def test_the_same_key_twice_is_refused() -> None:
    with pytest.raises(SpaceError, match="seed: duplicate key"):
        SearchSpace("s", (Int("seed", 0, 1), Int("seed", 0, 2)))


def test_a_name_is_looked_up_here_then_among_the_bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_space("resnet", TrialConfig).canonical() == load_space("resnet.yaml", TrialConfig).canonical()
    (tmp_path / "resnet.yaml").write_text("seed: 7\n")
    assert load_space("resnet", TrialConfig).fixed == {"seed": 7}
    (tmp_path / "plain").write_text("seed: 8\n")
    assert load_space("plain", TrialConfig).name == "plain"


def test_an_unknown_space_names_the_near_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("seed: 7\n")
    for source, words in {
        "resnt": "no such space; did you mean resnet?",
        "mime.yaml": "no such space; did you mean mine.yaml?",
        "zzz": "choose from mine.yaml, resnet, simple_cnn",
        f"{tmp_path}/mime.yaml": "did you mean mine.yaml?",
        str(tmp_path): "a space must be a file, got a directory",
        "/dev/null": "must be a regular file",
        "x" * 5000: "cannot be read",
    }.items():
        with pytest.raises(SpaceError) as caught:
            load_space(source, TrialConfig)
        assert words in str(caught.value)


def test_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    (tmp_path / "windows.yaml").write_bytes(b"\xef\xbb\xbfseed: 3\r\nloss: {label_smoothing: 0.1}\r\n")
    space = load_space(str(tmp_path / "windows.yaml"), TrialConfig)
    assert space.fixed == {"seed": 3, "loss.label_smoothing": 0.1}


@pytest.mark.parametrize("name", bundled())
def test_bundled_spaces_are_whole(name: str) -> None:
    space = load_space(name, TrialConfig)
    priors = space.priors()
    # The first trial is the same for everyone: no dimension is left to chance.
    assert [parameter.key for parameter in space.active(priors)] == list(priors)
    assert {"objective.metric", "data.source", "budget.epochs"} <= space.fixed.keys()


def test_the_bundled_are_named() -> None:
    assert bundled() == ("resnet", "simple_cnn")


@pytest.mark.parametrize(
    "text",
    [
        "augment: {flip: {choices: [false, true]}, alternate_flip: true}",
        "augment: {mixup: {low: 0, high: 0.4, prior: 0}, mix_share: {low: 0.5, high: 1.0}}",
        "augment: {cutmix: 1, mix_share: 0.5}",
        "augment: {choices: {none: , rand: {policy: rand, rand_magnitude: {low: 5, high: 15}}}}",
        "augment: {policy: {choices: [none, rand]}, rand_magnitude: 12}",
        "augment: {alternate_flip: false, rand_operations: 2}",
    ],
)
def test_what_has_an_effect_in_some_trials_or_is_the_default_may_stand(tmp_path: Path, text: str) -> None:
    (tmp_path / "space.yaml").write_text(text)
    load_space(str(tmp_path / "space.yaml"), TrialConfig)


def test_a_saved_configuration_is_taken_as_it_is(tmp_path: Path) -> None:
    saved = TrialConfig(augment=AugmentConfig(rand_magnitude=12)).model_dump_json()
    space = load_source(Source("saved", saved, Location("trial 3", tmp_path)), TrialConfig)
    assert space.fixed["augment.rand_magnitude"] == 12
