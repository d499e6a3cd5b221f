"""Every law of the space language, broken once: what is said, and where."""

# ruff: noqa: E501 (a table, one case a line)

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.spaces.load import load_space
from hpo.training.config import TrialConfig

# What stands in the file -> line, key and words of the refusal.
REFUSED = {
    "duplicate key": ("seed: 1\nseed: 2\n", 2, "seed", "duplicate key, first at"),
    "duplicate nested key": ("data:\n  batch_size: 1\n  batch_size: 2\n", 3, "data.batch_size", "duplicate key"),
    "unknown section": ("optimiser: {name: sgd}\n", 1, "optimiser", "unknown key; did you mean optimizer?"),
    "unknown field": ("seed: 1\nloss: {label_smothing: 0.1}\n", 2, "loss.label_smothing", "did you mean label_smoothing?"),
    "field of another variant": ("model: {name: resnet}\noptimizer:\n  name: sgd\n  beta1: 0.9\n", 4, "optimizer.beta1", "unknown key"),
    "unknown variant": ("model: {name: resnt}\n", 1, "model", "no variant 'resnt'; did you mean resnet?"),
    "unknown variant in short": ("schedule: cosin\n", 1, "schedule", "did you mean cosine?"),
    "no variant": ("optimizer: {lr: 0.1}\n", 1, "optimizer", "name must say which variant, choose from sgd, adam, adamw"),
    "variant as dimension": ("model: {name: {choices: [resnet, simple_cnn]}}\n", 1, "model.name", "takes no dimension"),
    "wrong type": ("seed: soon\n", 1, "seed", "must be a valid integer, got 'soon'"),
    "string for a number": ("optimizer: {name: sgd, lr: '0.1'}\n", 1, "optimizer.lr", "must be a valid number, got '0.1'"),
    "boolean for a number": ("optimizer: {name: sgd, lr: true}\n", 1, "optimizer.lr", "must be a valid number, got true"),
    "number for a boolean": ("augment: {flip: 1}\n", 1, "augment.flip", "must be a valid boolean, got 1"),
    "yes is a string": ("augment: {flip: yes}\n", 1, "augment.flip", "must be a valid boolean, got 'yes'"),
    "real for a whole number": ("budget: {epochs: 2.0}\n", 1, "budget.epochs", "must be a valid integer, got 2.0"),
    "null where none may be": ("budget: {epochs: }\n", 1, "budget.epochs", "must be a valid integer, got null"),
    "list for a value": ("seed: [1]\n", 1, "seed", "must be a valid integer, got [1]"),
    "value for a section": ("data: cifar10\n", 1, "data", "must be a mapping of source, "),
    "list for a section": ("loss: [0.1]\n", 1, "loss", "must be a mapping of kind, label_smoothing"),
    "value out of the field": ("model: {name: resnet, dropout: 1}\n", 1, "model.dropout", "must be less than 1, got 1"),
    "literal out of the field": ("model: {name: resnet, depth: 19}\n", 1, "model.depth", "must be 10, 14, 18, 20, 32 or 34"),
    "near literal": ("precision: {dtype: bf61}\n", 1, "precision.dtype", "did you mean bf16?"),
    "laws between fields": ("seed: 1\nobjective: {metric: val_loss, direction: maximize}\n", 2, "objective", "direction must be minimize"),
    "low > high": ("loss: {label_smoothing: {low: 0.2, high: 0.1}}\n", 1, "loss.label_smoothing", "low must be <= high"),
    "low out of the field": ("loss: {label_smoothing: {low: -1, high: 0.1}}\n", 1, "loss.label_smoothing", "low must be greater than or equal to 0, got -1"),
    "high out of the field": ("loss:\n  label_smoothing:\n    low: 0\n    high: 1\n", 4, "loss.label_smoothing", "high must be less than 1"),
    "no high": ("loss: {label_smoothing: {low: 0.2}}\n", 1, "loss.label_smoothing", "needs low and high, got no high"),
    "no bounds": ("loss: {label_smoothing: {log: true}}\n", 1, "loss.label_smoothing", "got no low"),
    "empty dimension": ("loss: {label_smoothing: {}}\n", 1, "loss.label_smoothing", "must be a value or a dimension"),
    "unknown dimension key": ("loss: {label_smoothing: {lo: 0.1, high: 0.2}}\n", 1, "loss.label_smoothing", "did you mean low?; got lo"),
    "both kinds": ("loss: {label_smoothing: {low: 0.1, choices: [0.1]}}\n", 1, "loss.label_smoothing.low", "unknown key"),
    "bound of a wrong type": ("seed: 1\nbudget: {epochs: {low: a, high: 9}}\n", 2, "budget.epochs", "low must be a number, got 'a'"),
    "boolean bound": ("budget: {epochs: {low: true, high: 9}}\n", 1, "budget.epochs", "low must be a number, got true"),
    "real bound of a whole number": ("budget: {epochs: {low: 1, high: 9.5}}\n", 1, "budget.epochs", "high must be a valid integer, got 9.5"),
    "log at 0": ("loss: {label_smoothing: {low: 0, high: 0.1, log: true}}\n", 1, "loss.label_smoothing", "low must be > 0 with log: true, got 0"),
    "log is no boolean": ("loss: {label_smoothing: {low: 0.1, high: 0.2, log: 10}}\n", 1, "loss.label_smoothing", "log must be true or false, got 10"),
    "range of literals": ("model: {name: resnet, depth: {low: 10, high: 34}}\n", 1, "model.depth", "must be choices of [10, 14,"),
    "range of booleans": ("augment: {flip: {low: 0, high: 1}}\n", 1, "augment.flip", "takes no range"),
    "infinite range": ("optimizer: {name: sgd, weight_decay: {low: 0, high: .inf}}\n", 1, "optimizer.weight_decay.high", "must be finite"),
    "step does not divide": ("budget: {epochs: {low: 1, high: 10, step: 4}}\n", 1, "budget.epochs", "step must divide high - low = 9, got 4"),
    "real step does not divide": ("loss: {label_smoothing: {low: 0, high: 0.2, step: 0.03}}\n", 1, "loss.label_smoothing", "step must divide high - low = 0.2"),
    "a width that is nearly whole": ("loss: {label_smoothing: {low: 0, high: 0.20000001, step: 0.1}}\n", 1, "loss.label_smoothing", "step must divide high - low = 0.20000001"),
    "step 0": ("budget: {epochs: {low: 1, high: 10, step: 0}}\n", 1, "budget.epochs", "step must be > 0, got 0"),
    "real step of a whole number": ("budget: {epochs: {low: 1, high: 10, step: 0.5}}\n", 1, "budget.epochs", "step must be a whole number"),
    "step with log": ("budget: {epochs: {low: 1, high: 10, step: 3, log: true}}\n", 1, "budget.epochs", "step must be left out with log"),
    "endless steps": ("loss: {label_smoothing: {low: 0, high: 0.5, step: 1e-300}}\n", 1, "loss.label_smoothing", "step must leave at most"),
    "prior below": ("budget: {epochs: {low: 2, high: 10, prior: 1}}\n", 1, "budget.epochs", "prior must lie in [2, 10], got 1"),
    "prior off the grid": ("budget: {epochs: {low: 1, high: 7, step: 3, prior: 5}}\n", 1, "budget.epochs", "prior must be low plus a multiple of step 3"),
    "prior of a wrong type": ("budget: {epochs: {low: 2, high: 10, prior: 2.5}}\n", 1, "budget.epochs", "prior must be a valid integer"),
    "prior is no choice": ("data: {batch_size: {choices: [8, 16], prior: 9}}\n", 1, "data.batch_size", "prior must be one of the choices [8, 16], got 9"),
    "prior is no branch": ("optimizer: {choices: {sgd: }, prior: adamw}\n", 1, "optimizer", "prior must be one of the branches, got 'adamw'"),
    "unknown confidence": ("budget: {epochs: {low: 2, high: 9, prior: 3, confidence: hihg}}\n", 1, "budget.epochs", "did you mean high?"),
    "confidence of nothing": ("budget: {epochs: {low: 2, high: 9, confidence: high}}\n", 1, "budget.epochs", "confidence needs a prior"),
    "no choices": ("data: {batch_size: {choices: []}}\n", 1, "data.batch_size", "choices must have 1 to"),
    "choices are no list": ("data: {batch_size: {choices: 8}}\n", 1, "data.batch_size", "choices must be a list of values here, got 8"),
    "branches of a value": ("data: {batch_size: {choices: {a: 8}}}\n", 1, "data.batch_size", "must be a list of values here"),
    "duplicate choice": ("data: {batch_size: {choices: [8, 16, 8]}}\n", 1, "data.batch_size", "choices must differ, got 8 and 8"),
    "choice out of the field": ("data:\n  batch_size:\n    choices:\n      - 8\n      - 0\n", 5, "data.batch_size", "a choice must be greater than or equal to 1, got 0"),
    "choice of a wrong type": ("data: {batch_size: {choices: [8, a]}}\n", 1, "data.batch_size", "a choice must be a valid integer, got 'a'"),
    "choice that is no scalar": ("data: {batch_size: {choices: [8, [9]]}}\n", 1, "data.batch_size", "must be a value, got [9]"),
    "no branches": ("optimizer: {choices: {}}\n", 1, "optimizer", "at least one branch"),
    "unknown branch": ("optimizer:\n  choices:\n    sgd:\n    adamww:\n", 4, "optimizer.adamww", "did you mean adamw?"),
    "branch is a value": ("optimizer:\n  choices:\n    sgd: 0.1\n", 3, "optimizer.sgd", "a branch must be a mapping, got 0.1"),
    "branch with another name": ("optimizer: {choices: {sgd: {name: adamw}}}\n", 1, "optimizer.sgd", "must have the variant it is called by"),
    "unknown key in a branch": ("optimizer:\n  choices:\n    sgd:\n      beta1: 0.9\n", 4, "optimizer.sgd.beta1", "unknown key"),
    "unknown key beside branches": ("optimizer: {choices: {sgd: }, lr: 0.1}\n", 1, "optimizer.lr", "unknown key"),
    "duplicate variants": ("schedule: {choices: [cosine, cosine]}\n", 1, "schedule", "choices must differ"),
    "values as branches of a section": ("loss: {choices: [0.1]}\n", 1, "loss", "choices must be a mapping of branches here"),
    "dimension of the objective": ("objective:\n  metric: {choices: [val_accuracy]}\n", 2, "objective.metric", "must be a value, since it decides"),
    "branches of the objective": ("objective: {choices: {a: {metric: val_accuracy}}}\n", 1, "objective", "must be a value, since it decides"),
    "dimension of the source": ("data: {source: {choices: [digits, mnist]}}\n", 1, "data.source", "must be a value, since it decides"),
    "dimension of the split": ("data: {split_seed: {low: 0, high: 9}}\n", 1, "data.split_seed", "must be a value"),
    "dimension of max_train": ("data: {max_train: {low: 1, high: 9}}\n", 1, "data.max_train", "must be a value"),
    "dimension of max_val": ("data: {max_val: {low: 1, high: 9}}\n", 1, "data.max_val", "must be a value"),
    "dimension of the fractions": ("data: {val_fraction: {low: 0.1, high: 0.2}}\n", 1, "data.val_fraction", "must be a value"),
    "dimension of the seed": ("seed: {choices: [1, 2]}\n", 1, "seed", "must be a value"),
    "hidden in branches": ("data:\n  choices:\n    a: {source: {choices: [digits]}}\n", 3, "data.a.source", "must be a value"),
    "alternate flip without flip": ("augment:\n  alternate_flip: true\n", 2, "augment.alternate_flip", "has no effect without augment.flip: true, got true"),
    "alternate flip beside no flip": ("augment: {flip: false, alternate_flip: true}\n", 1, "augment.alternate_flip", "without augment.flip: true"),
    "dimension without effect": ("augment: {policy: trivial, rand_magnitude: {low: 1, high: 9}}\n", 1, "augment.rand_magnitude", "without augment.policy: rand, got a dimension"),
    "without effect in its branch": ("augment:\n  choices:\n    a: {policy: rand}\n    b: {rand_operations: 3}\n", 4, "augment.b.rand_operations", "without augment.b.policy: rand"),
    "share of no mixing": ("augment: {mixup: 0.0, mix_share: 0.5}\n", 1, "augment.mix_share", "without augment.mixup or augment.cutmix, got 0.5"),
    "gamma without focal": ("loss: {focal_gamma: 1.0}\n", 1, "loss.focal_gamma", "without loss.kind: focal"),
    "beta without weights": ("loss: {class_weights: inverse, effective_beta: 0.9}\n", 1, "loss.effective_beta", "without loss.class_weights: effective"),
    "balance without weighting": ("sampling: {balance: 0.5}\n", 1, "sampling.balance", "without sampling.method: weighted"),
    "ratio without undersampling": ("sampling: {method: weighted, ratio: 2}\n", 1, "sampling.ratio", "without sampling.method: undersample"),
    "custom key": ("model: {name: net.py:Net, 'a b': 1}\n", 1, "model.a b", "a key must be a Python identifier"),
    "custom mapping": ("model: {name: net.py:Net, layers: {a: 1}}\n", 1, "model.layers", "a dimension has low and high, or choices"),
}  # fmt: skip

NOT_YAML = {
    "tab": ("seed: 1\ndata:\n\tbatch_size: 1\n", 3, "not valid YAML", "\n    batch_size: 1"),
    "unclosed": ("data: {batch_size: 1\n", 2, "not valid YAML", ""),
    "two colons": ("seed: 1: 2\n", 1, "not valid YAML", "\n    seed: 1: 2"),
    "control character": ("seed: 1\nloss: \x07\n", 2, "not valid YAML", ""),
    "tag": ("seed: !!python/object/apply:os.getcwd []\n", 1, "YAML tags have no meaning here", "python/object"),
    "plain tag": ("seed: !!int 3\n", 1, "YAML tags have no meaning here", "int"),
    "other version": ("%YAML 1.1\n---\nseed: 1\n", 2, "must be YAML 1.2", ""),
    "two documents": ("seed: 1\n---\nseed: 2\n", 3, "must be one document", ""),
    "empty": ("# nothing\n", 1, "a space must be a mapping", "got null"),
    "list": ("- seed\n", 1, "a space must be a mapping", "got ['seed']"),
    "scalar": ("seed\n", 1, "a space must be a mapping", "got 'seed'"),
    "number as key": ("1: 2\n", 1, "a key must be a string, got 1", ""),
    "null as key": ("? \n: 2\n", 1, "a key must be a string, got null", ""),
    "mapping as key": ("{a: 1}: 2\n", 1, "a key must be a string", ""),
    "nan": ("seed: .nan\n", 1, "a number must be finite", ""),
    "huge": ("seed: 1e999\n", 1, "a number must be finite", ""),
    "long": (f"seed: {'9' * 5000}\n", 1, "a whole number must lie within 2**53", ""),
    "deep": ("a: " + "[" * 5000, 1, "at most 32 levels", ""),
    "deep in blocks": ("- " * 5000, 1, "at most 32 levels", ""),
    "deep by aliases": ("a: &a " + "[" * 30 + "]" * 30 + "\nb: [[[*a]]]\n", 2, "at most 32 levels", ""),
    "many": ("a: [" + "1," * 30_000, 1, "at most 20000 values", ""),
    "unknown alias": ("seed: *a\n", 1, "an alias must follow its anchor", "*a"),
    "alias of itself": ("a: &a [*a]\n", 1, "an alias must follow its anchor", "*a"),
    "alias bomb": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
        + "".join(f"a{i}: &a{i} [{','.join(9 * [f'*a{i - 1}'])}]\n" for i in range(1, 12)),
        5,
        "at most 20000 values (aliases expanded)",
        "",
    ),
}


def refusal(folder: Path, text: str | bytes) -> str:
    file = folder / "space.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(SpaceError) as caught:
        load_space(str(file), TrialConfig)
    message = str(caught.value)
    assert len(message.splitlines()) <= 3
    return message.removeprefix(f"{folder}/")


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_with_line_key_law_and_value(tmp_path: Path, case: str) -> None:
    text, line, key, words = REFUSED[case]
    message = refusal(tmp_path, text)
    assert message.startswith(f"space.yaml:{line}: {key}: ")
    assert words in message


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = """optimiser: {name: sgd}
data:
  batch_size: 0
  soucre: digits
model: {name: resnt}
loss:
  label_smoothing: {low: 0.2, high: 0.1}
optimizer:
  choices:
    sgd: {lr: {low: 0, high: 0.1, log: true}, beta1: 0.9}
    adamw: {lr: fast}
  prior: adam
lr: 0.1
"""
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(SpaceError) as caught:
        load_space(str(tmp_path / "space.yaml"), TrialConfig)
    places = [line.strip().removeprefix(f"{tmp_path}/").split(": ")[:2] for line in str(caught.value).splitlines()]
    assert places == [
        ["space.yaml:1", "optimiser"],
        ["space.yaml:3", "data.batch_size"],
        ["space.yaml:4", "data.soucre"],
        ["space.yaml:5", "model"],
        ["space.yaml:7", "loss.label_smoothing"],
        ["space.yaml:12", "optimizer"],
        ["space.yaml:10", "optimizer.sgd.lr"],
        ["space.yaml:10", "optimizer.sgd.beta1"],
        ["space.yaml:11", "optimizer.adamw.lr"],
        ["space.yaml:13", "lr"],
    ]
    assert str(caught.value).endswith("lr: unknown key; did you mean optimizer.sgd.lr or optimizer.adamw.lr?")


def test_ten_mistakes_are_told_and_the_rest_counted(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("".join(f"no_such_section_{i}: 1\n" for i in range(25)))
    with pytest.raises(SpaceError) as caught:
        load_space(str(tmp_path / "space.yaml"), TrialConfig)
    lines = str(caught.value).splitlines()
    assert len(lines) == 11
    assert f"{tmp_path}/space.yaml:10: no_such_section_9: unknown key" in lines[9]
    assert lines[10].strip() == "and 15 more"


def test_all_that_has_no_effect_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("augment: {alternate_flip: true}\nloss: {focal_gamma: 1.0}\n")
    with pytest.raises(
        SpaceError, match=r"yaml:1: augment.alternate_flip: .*\n  .*yaml:2: loss.focal_gamma: has no eff"
    ):
        load_space(str(tmp_path / "space.yaml"), TrialConfig)


@pytest.mark.parametrize("case", NOT_YAML)
def test_refuses_what_is_not_plain_yaml(tmp_path: Path, case: str) -> None:
    text, line, law, tail = NOT_YAML[case]
    message = refusal(tmp_path, text)
    assert message.startswith(f"space.yaml:{line}: ")
    assert law in message
    assert tail in message


def test_refuses_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"seed: 1\n# \xe9t\xe9\n") == "space.yaml:2: must be UTF-8, got the byte 0xe9"
    assert "must be UTF-8" in refusal(tmp_path, "seed: 1".encode("utf-16"))


def test_refuses_more_than_a_mebibyte(tmp_path: Path) -> None:
    assert "at most 1 MiB" in refusal(tmp_path, "#" * (2**20 + 1))
