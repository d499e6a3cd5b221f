"""The section of a space file that says how the space is searched."""

from pathlib import Path

import jsonschema
import pytest
from hpo.errors import SpaceError
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.describe import describe
from hpo.spaces.dump import dump_space
from hpo.spaces.load import load_space
from hpo.spaces.schema import json_schema
from hpo.spaces.space import Fixed, SearchSpace

PLAIN = "optimizer: {name: sgd, lr: {low: 0.01, high: 1.0, log: true, prior: 0.1}}\n"
SEARCHED = "search:\n  sampler: qmc\n  pruner: asha\n" + PLAIN


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "space.yaml"


def load(file: Path, text: str, *overrides: str) -> SearchSpace:
    file.write_text(text)
    return load_space(str(file), SpaceFile, overrides)


def test_it_stands_apart_from_what_a_trial_is(file: Path) -> None:
    space = load(file, SEARCHED)
    assert space.apart == (Fixed("search.sampler", "qmc"), Fixed("search.pruner", "asha"))
    plain = load(file, PLAIN)
    assert space.hash == plain.hash
    assert space.tree(space.priors()) == plain.tree(plain.priors())
    assert not plain.apart


def test_set_changes_it_and_null_takes_it_back(file: Path) -> None:
    assert load(file, PLAIN, "search.sampler=random").apart == (Fixed("search.sampler", "random"),)
    assert load(file, SEARCHED, "search.pruner=null").apart == (Fixed("search.sampler", "qmc"),)


def test_a_dump_keeps_it_and_check_shows_it(file: Path) -> None:
    space = load(file, SEARCHED)
    assert load(file, dump_space(space)) == space
    assert describe(space).apart == (("search.sampler", "qmc"), ("search.pruner", "asha"))


@pytest.mark.parametrize(
    ("text", "law"),
    [
        ("search:\n  sampler: qmcc\n", "space.yaml:2: search.sampler: must be .*, got 'qmcc'; did you mean qmc\\?"),
        ("search:\n  samper: qmc\n", "space.yaml:2: search.samper: unknown key; did you mean sampler\\?"),
        ("search: qmc\n", "space.yaml:1: search: must be a mapping of .*sampler, pruner, audit, got 'qmc'"),
        ("search:\n  sampler: {choices: [qmc]}\n", "space.yaml:2: search.sampler: must be a value, .* how the search"),
    ],
)
def test_mistakes_are_located_and_named(file: Path, text: str, law: str) -> None:
    with pytest.raises(SpaceError, match=law):
        load(file, text)


def test_the_schema_knows_its_names() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(SpaceFile))
    validator.validate({"search": {"sampler": "qmc", "pruner": None}})
    for wrong in ({"sampler": "qmcc"}, {"samper": "qmc"}, {"sampler": {"choices": ["qmc"]}}):
        assert not validator.is_valid({"search": wrong})
