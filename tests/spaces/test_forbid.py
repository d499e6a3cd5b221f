"""Combinations that a space forbids: how they are written, what holds, what is refused."""

# ruff: noqa: E501 (tables, one case a line)

import random
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.configurations import configurations, count
from hpo.spaces.dump import dump_space
from hpo.spaces.forbid import possible
from hpo.spaces.load import load_space
from hpo.spaces.probe import corners
from hpo.spaces.space import SearchSpace

TEXT = """\
model: {name: simple_cnn, width: {choices: [16, 32, 64]}}
optimizer:
  choices:
    sgd: {lr: {low: 0.001, high: 1.0, log: true}}
    adamw: {lr: {low: 0.0001, high: 0.01, log: true}}
data: {batch_size: {choices: [32, 64, 256]}, source: digits}
augment: {mixup: {low: 0.0, high: 0.4}}
"""


def space_of(folder: Path, forbid: str, text: str = TEXT) -> SearchSpace:
    (folder / "s.yaml").write_text(text + forbid)
    return load_space(str(folder / "s.yaml"), SpaceFile)


def usual(**values: object) -> dict[str, object]:
    params = {
        "model.width": 32,
        "optimizer": "sgd",
        "optimizer.sgd.lr": 0.1,
        "data.batch_size": 64,
        "augment.mixup": 0.2,
    }
    return {**params, **{key.replace("__", "."): value for key, value in values.items()}}


CLAUSES = {
    "an assignment": ("{model.width: 32, data.batch_size: 64}", {}, {"model__width": 64}),
    "a list": ("{model.width: [16, 32], optimizer: sgd}", {}, {"model__width": 64}),
    "more than": ("{augment.mixup: '> 0.1', model.width: 32}", {}, {"augment__mixup": 0.1}),
    "equal, as programmers write it": ("{model.width: '== 32', data.batch_size: '=64'}", {}, {"model__width": 64}),
    "at most": ("{optimizer.sgd.lr: '<= 0.1'}", {}, {"optimizer__sgd__lr": 0.11}),
    "other than": ("{model.width: '!= 16'}", {}, {"model__width": 16}),
    "two dimensions": ("{data.batch_size: '> model.width'}", {}, {"model__width": 64}),
    "a fixed value": ("{data.source: digits, model.width: 32}", {}, {"model__width": 64}),
}


@pytest.mark.parametrize(("clause", "holds", "not_"), CLAUSES.values(), ids=CLAUSES)
def test_what_is_forbidden(clause: str, holds: dict[str, object], not_: dict[str, object], tmp_path: Path) -> None:
    space = space_of(tmp_path, f"forbid: [{clause}]\n")
    assert not space.allows(usual(**holds))  # type: ignore[arg-type]
    assert space.allows(usual(**not_))  # type: ignore[arg-type]
    other = {key: value for key, value in usual().items() if not key.startswith("optimizer")}
    adam = {**other, "optimizer": "adamw", "optimizer.adamw.lr": 0.001}
    assert space.allows(adam) or "optimizer" not in clause  # type: ignore[arg-type]


def test_any_of_several_clauses_forbids(tmp_path: Path) -> None:
    space = space_of(tmp_path, "forbid:\n  - {model.width: 16}\n  - {model.width: 64}\n")
    assert [space.allows(usual(model__width=width)) for width in (16, 32, 64)] == [False, True, False]  # type: ignore[arg-type]


REFUSED = {
    "no such key": ("[{model.wdth: 16}]", 8, "model.wdth: neither a dimension nor a value of the space; did you mean model.width?"),
    "no such value": ("\n  - {model.width: 17}", 9, "model.width: never has that value, but 16, 32, 64; got 17"),
    "out of the range": ("[{augment.mixup: '> 0.4'}]", 8, "augment.mixup: never holds for 0 to 0.4, got '> 0.4'"),
    "text that is compared": ("[{optimizer: '> sgd'}]", 8, "optimizer: only numbers are more or less than others, got '> sgd'"),
    "no value": ("[{model.width: []}]", 8, "model.width: must be a value, a list of some or a comparison, got []"),
    "an empty clause": ("[{}]", 8, "forbid: must say what is forbidden, got {}"),
    "branches apart": (
        "[{optimizer.sgd.lr: '> 0.1', optimizer.adamw.lr: '> 0.001'}]", 8,
        "forbid: never holds: no configuration has both optimizer.sgd.lr and optimizer.adamw.lr",
    ),
    "everything": ("[{model.width: [16, 32, 64]}]", 8, "forbid: leaves no configuration of the space"),
    "no list": ("{model.width: 16}", 8, "forbid: must be a value"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "words"), REFUSED.values(), ids=REFUSED)
def test_what_can_never_hold_is_refused(text: str, line: int, words: str, tmp_path: Path) -> None:
    with pytest.raises(SpaceError) as error:
        space_of(tmp_path, f"forbid: {text}\n")
    assert str(error.value).startswith(f"{tmp_path}/s.yaml:{line}: {words}")


def test_priors_that_are_forbidden_are_refused(tmp_path: Path) -> None:
    text = (
        "model: {name: simple_cnn, width: {choices: [16, 32], prior: 16}, dropout: {low: 0.0, high: 0.5, prior: 0.2}}\n"
    )
    with pytest.raises(SpaceError, match=r"s.yaml:3: forbid: forbids the priors, which are tried first"):
        space_of(tmp_path, "forbid:\n- {model.width: 16, model.dropout: '< 0.3'}\n", text)


def test_a_space_says_again_what_it_forbids(tmp_path: Path) -> None:
    space = space_of(
        tmp_path, "forbid: [{model.width: [16, 64], augment.mixup: '> 0.1'}, {data.batch_size: '< model.width'}]\n"
    )
    (tmp_path / "again.yaml").write_text(dump_space(space))
    again = load_space(str(tmp_path / "again.yaml"), SpaceFile)
    assert again.forbidden == space.forbidden
    assert again.hash == space.hash
    other = space_of(
        tmp_path, "forbid: [{data.batch_size: '< model.width'}, {augment.mixup: '> 0.1', model.width: [64, 16]}]\n"
    )
    assert other.hash == space.hash
    assert space_of(tmp_path, "").hash != space.hash


def test_a_flag_may_fix_what_a_clause_speaks_of(tmp_path: Path) -> None:
    space_of(tmp_path, "forbid: [{model.width: 16, augment.mixup: '> 0.1'}]\n")
    fixed = load_space(str(tmp_path / "s.yaml"), SpaceFile, ["model.width=16"])
    params = {key: value for key, value in usual().items() if key != "model.width"}
    assert not fixed.allows(params)  # type: ignore[arg-type]
    assert load_space(str(tmp_path / "s.yaml"), SpaceFile, ["model.width=32"]).allows(params)  # type: ignore[arg-type]


KEPT = {
    "the branch it speaks of": (["optimizer=sgd"], "optimizer.lr", 0.5, False),
    "the same, below": (["optimizer=sgd"], "optimizer.lr", 0.2, True),
    "another branch": (["optimizer=adamw"], "optimizer.lr", 0.005, True),
    "a section instead": (["optimizer={name: sgd, lr: {low: 0.1, high: 1.0}}"], "optimizer.lr", 0.5, False),
    "a value in the branch": (["optimizer.sgd.lr=0.5"], "optimizer", "sgd", False),
}


@pytest.mark.parametrize(("changes", "key", "value", "allowed"), KEPT.values(), ids=KEPT)
def test_what_is_forbidden_stays_so_where_a_flag_keeps_one_branch(
    changes: list[str], key: str, value: object, allowed: bool, tmp_path: Path
) -> None:
    space_of(tmp_path, "forbid: [{optimizer: sgd, optimizer.sgd.lr: '> 0.3', model.width: 32}]\n")
    space = load_space(str(tmp_path / "s.yaml"), SpaceFile, changes)
    rest = {other: value for other, value in usual().items() if not other.startswith("optimizer")}
    assert space.allows({**rest, key: value}) is allowed  # type: ignore[arg-type]


def test_a_branch_of_another_name_that_a_flag_keeps(tmp_path: Path) -> None:
    text = "optimizer: {choices: {wild: {name: sgd, lr: {low: 0.1, high: 1.0}}, calm: {name: sgd, lr: {low: 0.01, high: 0.1}}}}\n"
    space_of(tmp_path, "forbid: [{optimizer.wild.lr: '> 0.5'}]\n", text)
    wild, calm = (load_space(str(tmp_path / "s.yaml"), SpaceFile, [f"optimizer={name}"]) for name in ("wild", "calm"))
    assert [wild.allows({"optimizer.lr": 0.6}), calm.allows({"optimizer.lr": 0.6})] == [False, True]


def test_what_a_flag_has_changed_is_written_down_as_it_is_now(tmp_path: Path) -> None:
    space_of(
        tmp_path,
        "forbid: [{optimizer: sgd, optimizer.sgd.lr: '> 0.3', model.width: [16, 32]}, {data.batch_size: '> model.width'}]\n",
    )
    space = load_space(str(tmp_path / "s.yaml"), SpaceFile, ["optimizer=sgd"])
    (tmp_path / "again.yaml").write_text(dump_space(space))
    assert load_space(str(tmp_path / "again.yaml"), SpaceFile) == replace(space, name="again")


def test_flags_that_leave_only_what_is_forbidden_are_refused(tmp_path: Path) -> None:
    space_of(tmp_path, "forbid: [{optimizer: sgd, model.width: 16}]\n")
    with pytest.raises(SpaceError, match="forbid: leaves no configuration of the space"):
        load_space(str(tmp_path / "s.yaml"), SpaceFile, ["optimizer=sgd", "model.width=16"])


def test_a_flag_may_forbid(tmp_path: Path) -> None:
    space_of(tmp_path, "")
    space = load_space(str(tmp_path / "s.yaml"), SpaceFile, ["forbid=[{model.width: 16}]"])
    assert not space.allows(usual(model__width=16))  # type: ignore[arg-type]


def test_allowed_configurations_are_counted(tmp_path: Path) -> None:
    text = "model: {name: simple_cnn, width: {choices: [16, 32, 64]}}\ndata: {batch_size: {choices: [32, 64]}}\n"
    space = space_of(tmp_path, "forbid: [{data.batch_size: '> model.width'}]\n", text)
    assert count(space) == 3 + 2 - 2
    assert space.size() == 6
    assert sum(map(space.allows, configurations(space, random.Random(0)))) == 3


def test_no_corner_is_forbidden_and_each_choice_has_one(tmp_path: Path) -> None:
    space = space_of(
        tmp_path, "forbid: [{model.width: 64, data.batch_size: 32}, {augment.mixup: 0.0, model.width: 16}]\n"
    )
    found = list(corners(space))
    assert all(map(space.allows, found))
    for key in ("model.width", "data.batch_size", "optimizer"):
        assert {params[key] for params in found} == set(space.by_key[key].choices)  # type: ignore[union-attr]


def test_what_is_left_of_a_clause_in_a_space_that_has_lost_something(tmp_path: Path) -> None:
    text = """
    model: {name: resnet, depth: {choices: [18, 34]}, width: {choices: [32, 64, 128]}}
    optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0, log: true}}, adamw: {}}}
    """
    forbid = """
    forbid:
      - {model.depth: 34, model.width: [64, 128]}
      - {optimizer.sgd.lr: "> 0.3", model.depth: 18}
      - {model.width: "!= 32", model.depth: 34, optimizer: adamw}
      - {model.width: ">= 128", model.depth: 18}
    """
    whole = space_of(tmp_path, dedent(forbid), dedent(text))
    smaller = dedent(text).replace("[32, 64, 128]", "[64]").replace("high: 1.0", "high: 0.2")
    left = possible(whole.forbidden, space_of(tmp_path, "", smaller))
    assert [clause.words for clause in left] == [
        "model.depth = 34 with model.width = 64",
        "model.depth = 34 with optimizer = adamw",
    ]
    without = dedent(text).replace("sgd: {lr: {low: 0.01, high: 1.0, log: true}}, ", "")
    assert len(possible(whole.forbidden, space_of(tmp_path, "", without))) == 3
