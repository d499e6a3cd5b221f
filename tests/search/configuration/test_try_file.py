"""`--try`: values that a search begins with, refused by line and key."""

from pathlib import Path

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.try_file import read_try_file
from hpo.spaces.parameter import Choice, Float
from hpo.spaces.space import Fixed, SearchSpace

SGD, ADAMW = (("optimizer", "sgd"),), (("optimizer", "adamw"),)
SPACE = SearchSpace(
    "s",
    (
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.lr", 0.01, 1.0, log=True, condition=SGD),
        Float("optimizer.adamw.lr", 1e-4, 1e-2, log=True, condition=ADAMW),
        Float("model.dropout", 0.0, 0.5),
    ),
    (Fixed("seed", 3),),
)


def read(folder: Path, text: str) -> list[dict[str, object]]:
    file = folder / "params.yaml"
    file.write_text(text)
    return [dict(trial.params) for trial in read_try_file(file, SPACE)]


def test_a_mapping_is_one_trial_with_dots_or_nested(tmp_path: Path) -> None:
    values = {"optimizer.sgd.lr": 0.1, "model.dropout": 0}
    assert read(tmp_path, "optimizer.sgd.lr: 0.1\nmodel: {dropout: 0}\n") == [values]
    assert read(tmp_path, "optimizer: {sgd: {lr: 0.1}}\nmodel.dropout: 0\n") == [values]


def test_a_list_is_several_in_their_order(tmp_path: Path) -> None:
    text = "- optimizer: adamw\n- model.dropout: 0.5\n"
    assert read(tmp_path, text) == [{"optimizer": "adamw"}, {"model.dropout": 0.5}]


@pytest.mark.parametrize(
    ("text", "law"),
    [
        (
            "model.dropout: 0.1\nmodel.droput: 0.1\n",
            r":2: model.droput: not a dimension .*; did you mean",
        ),
        (
            "- model.dropout: 0.1\n- model: {dropout: 0.9}\n",
            r":2: model.dropout: must be .*\(0 to 0.5\), got 0.9",
        ),
        ("model: {dropout: {low: 0, high: 1}}\n", r":1: model.dropout.low: not a dimension"),
        ("model.dropout: [0.1]\n", r":1: model.dropout: must be one of the space's values"),
        ("seed: 4\n", r":1: seed: is no dimension: every trial has 3, got 4"),
        ("optimizer: sgd\noptimizer.adamw.lr: 0.001\n", r":2: optimizer.adamw.lr: .* only where optimizer is adamw"),
        ("model: {dropout: 0.1}\nmodel.dropout: 0.2\n", r":2: model.dropout: duplicate key, first at .*:1"),
        ("- 3\n", r":1: a trial must be a mapping of dimensions to values, got 3"),
        ("[]\n", r":1: a trial must be a mapping"),
        ("a: [\n", r"not valid YAML"),
    ],
)
def test_what_cannot_be_tried_is_refused_with_its_place(tmp_path: Path, text: str, law: str) -> None:
    with pytest.raises(SpaceError, match=law):
        read(tmp_path, text)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpaceError) as refused:
        read(tmp_path, "- {x: 1, model.dropout: 3}\n- y: 1\n")
    assert len(str(refused.value).splitlines()) == 3


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"nowhere.yaml: cannot be read: No such file"):
        read_try_file(tmp_path / "nowhere.yaml", SPACE)
