"""The next space: what is narrowed, widened, fixed and left out, and what is not."""

import random
from collections.abc import Callable, Mapping
from math import log10
from pathlib import Path
from typing import Any

import pytest
from hpo.search.commands.suggest_space.as_file import commented, loads, without_single_branches
from hpo.search.commands.suggest_space.ranges import narrowed, widened
from hpo.search.commands.suggest_space.suggest import Suggestion, suggest
from hpo.search.configuration.space_file import SpaceFile
from hpo.spaces.load import load_space
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace
from hpo.studies.records.regions import Region

from .searched import TEXT, drawn, space_from


def about(lr: float) -> Callable[[Mapping[str, Any]], float]:
    """An objective that SGD with this learning rate reaches best; AdamW is hopeless, and little else matters."""

    def value(params: Mapping[str, Any]) -> float:
        if params["optimizer"] == "adamw":
            return 0.1 + params["optimizer.adamw.lr"]
        off = abs(log10(params["optimizer.sgd.lr"] / lr))
        return 0.9 - 0.1 * off + 0.001 * params["optimizer.sgd.momentum"]

    return value


@pytest.fixture
def space(tmp_path: Path) -> SearchSpace:
    return space_from(tmp_path)


def suggested(space: SearchSpace, lr: float = 0.01, count: int = 150) -> Suggestion:
    return suggest(space, drawn(space, count, about(lr)), loads)


def test_a_range_is_narrowed_about_the_best_within_what_it_was(space: SearchSpace) -> None:
    lr = suggested(space).space.by_key["optimizer.sgd.lr"]
    assert isinstance(lr, Float)
    assert 1e-4 < lr.low < 0.005 < 0.02 < lr.high < 1
    assert lr.log
    assert lr.low <= (lr.prior or 0) <= lr.high


def test_a_range_is_widened_where_the_best_lie_at_its_end(space: SearchSpace) -> None:
    suggestion = suggested(space, lr=1.0)
    lr = suggestion.space.by_key["optimizer.sgd.lr"]
    assert isinstance(lr, Float)
    assert lr.high > 1
    assert [change.kind for change in suggestion.changes if change.key == lr.key] == ["narrowed", "widened"]


def test_what_never_mattered_has_a_value_of_the_best(space: SearchSpace) -> None:
    suggestion = suggested(space)
    fixed = {change.key for change in suggestion.changes if change.kind == "fixed"}
    assert fixed
    assert fixed <= {"augment.flip", "model.dropout", "data.batch_size", "model.width"}
    best = drawn(space, 150, about(0.01))[0]
    for key in fixed:
        assert suggestion.space.fixed[key] == pytest.approx(best[key], rel=0.01)
        assert key not in suggestion.space.by_key


def test_a_branch_that_the_best_never_took_is_left_out_with_all_that_is_in_it(space: SearchSpace) -> None:
    left = suggested(space).space
    assert left.by_key["optimizer"].choices == ("sgd",)  # type: ignore[union-attr]
    assert not any("adamw" in entry.key for entry in (*left.parameters, *left.values))
    assert not any("adamw" in clause.words for clause in left.forbidden)  # it cannot be any more


def test_one_branch_that_is_left_is_written_without_a_choice(space: SearchSpace, tmp_path: Path) -> None:
    suggestion = without_single_branches(suggested(space))
    assert "optimizer.lr" in suggestion.space.by_key
    assert suggestion.space.fixed["optimizer.name"] == "sgd"
    text = commented(suggestion, ["head"])
    assert text.startswith("# head\n# optimizer left out: adamw")
    file = tmp_path / "next.yaml"
    file.write_text(text)
    again = load_space(str(file), SpaceFile)
    assert again.canonical() == suggestion.space.canonical()
    assert again.priors() == suggestion.space.priors()
    assert again.apart == space.apart
    assert again.fixed["data.source"] == "digits"


def test_without_evidence_only_priors_change(space: SearchSpace) -> None:
    suggestion = suggest(space, drawn(space, 12, about(0.01)), loads)
    assert suggestion.changes == ()
    assert suggestion.space.canonical() == space.canonical()
    best = drawn(space, 12, about(0.01))[0]
    assert {key: suggestion.space.priors()[key] for key in best} == best


def test_trials_without_any_order_change_next_to_nothing(space: SearchSpace) -> None:
    trials, order = drawn(space, 60, lambda _: 0.0), random.Random(0)
    shuffled = [order.sample(trials, len(trials)) for _ in range(20)]
    kinds = [change.kind for each in shuffled for change in suggest(space, each, lambda _: True).changes]
    assert set(kinds) <= {"fixed", "narrowed"}
    assert kinds.count("narrowed") <= 3  # of 20 times five ranges


def test_a_value_that_another_field_needs_is_not_fixed(tmp_path: Path) -> None:
    text = TEXT.replace("flip: {choices: [false, true]}", "policy: {choices: [none, rand]}, rand_magnitude: 12")
    space = space_from(tmp_path, text)
    suggestion = suggested(space)
    assert suggestion.space.by_key.get("augment.policy") or suggestion.space.fixed["augment.policy"] == "rand"
    assert loads(suggestion.space)


@pytest.mark.parametrize("lr", [1e-4, 0.01, 1.0])
def test_every_suggestion_loads(space: SearchSpace, lr: float) -> None:
    for count in (20, 40, 80):
        suggestion = suggested(space, lr, count)
        assert loads(suggestion.space)
        assert loads(without_single_branches(suggestion).space)


def test_a_range_keeps_its_grid_and_a_neighbour_of_the_best() -> None:
    width = Int("w", 8, 64, step=8)
    assert narrowed(width, Region(64, 64, 64, 64)) == Int("w", 56, 64, step=8)
    assert narrowed(width, Region(16, 24, 16, 24)) == Int("w", 8, 32, step=8)
    assert narrowed(width, Region(16, 56, 8, 64)) == width
    step = Float("s", 0.0, 1.0, step=0.25)
    assert narrowed(step, Region(0.25, 0.25, 0.25, 0.25)) == Float("s", 0.0, 0.5, step=0.25)
    assert narrowed(Int("n", 1, 1000, log=True), Region(10, 20, 10, 20)).high < 60


def test_the_best_trial_is_always_inside() -> None:
    lr = narrowed(Float("lr", 1e-4, 1.0, log=True, prior=0.0002), Region(0.01, 0.02, 0.01, 0.02))
    assert lr == Float("lr", 1e-4, 0.051, log=True, prior=0.0002)
    beta = narrowed(Float("beta", 0.9, 0.999), Region(0.95, 0.96, 0.95, 0.96))
    assert (beta.low, beta.high) == (0.94, 0.97)


def test_priors_of_several_trials_together_are_not_forbidden(tmp_path: Path) -> None:
    space = space_from(tmp_path, TEXT + '  - {model.width: "> 32", data.batch_size: 128}\n')
    trials = [
        {key: value for key, value in params.items() if key != "data.batch_size"} | {"model.width": 64}
        for params in drawn(space, 30, about(0.01))
        if params["optimizer"] == "sgd"
    ]  # of a space that did not have the batch size
    others = [
        params | {"data.batch_size": 128} for params in drawn(space, 30, about(0.01)) if params["model.width"] < 32
    ]
    left = suggest(space, [*trials, *others], loads).space
    assert left.priors()["model.width"] == 64
    assert "data.batch_size" not in left.priors()
    assert loads(left)


def test_a_field_limits_what_a_range_is_widened_to() -> None:
    momentum = Float("momentum", 0.5, 0.9)
    assert widened(momentum, "highest", lambda wider: wider.high < 1) == Float("momentum", 0.5, 0.95)
    assert widened(momentum, "highest", lambda _: False) == momentum
    assert widened(Int("n", 2, 10, log=True), "lowest", lambda _: True).low == 1
    assert widened(Int("n", 8, 64, step=8), "highest", lambda _: True) == Int("n", 8, 96, step=8)


def test_a_choice_is_left_out_only_where_chance_does_not_explain_it(tmp_path: Path) -> None:
    space = space_from(tmp_path, TEXT.replace("[32, 64, 128]", "[16, 32, 64, 128]").replace("[32, 128]", "[32]"))

    def value(params: Mapping[str, Any]) -> float:
        return -float(params["data.batch_size"] == 16) - 0.01 * params["model.dropout"]

    def choices(count: int) -> tuple[Any, ...]:
        batch = suggest(space, drawn(space, count, value), loads).space.by_key["data.batch_size"]
        assert isinstance(batch, Choice)
        return batch.choices

    assert choices(30) == (16, 32, 64, 128)
    assert choices(400) == (32, 64, 128)
