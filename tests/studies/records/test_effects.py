"""What decided a study, and where its best trials lie."""

import json
import random
from typing import Any

import pytest
from hpo.studies.records.effects import MOST, TRIALS, Effect, effects
from hpo.studies.records.resamples import best_count

SPACE = {
    "lr": {"type": "float", "low": 0.001, "high": 1.0, "log": True, "step": None},
    "decay": {"type": "float", "low": 0.0, "high": 0.4, "log": False, "step": None},
    "flip": {"type": "choice", "choices": [False, True]},
    "optimizer": {"type": "choice", "choices": ["adamw", "sgd"], "branching": True},
    "optimizer.sgd.momentum": {
        "type": "float", "low": 0.5, "high": 1.0, "log": False, "step": None, "when": [["optimizer", "sgd"]]
    },
}  # fmt: skip
TEXT = json.dumps({"parameters": SPACE, "fixed": {}})


def trials(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Random trials, the best first: sgd with a learning rate about 0.1 and a momentum about 0.9."""
    order = random.Random(seed)
    drawn = []
    for _ in range(count):
        params = {"lr": 10 ** order.uniform(-3, 0), "decay": order.uniform(0, 0.4), "flip": order.random() < 0.5}
        params["optimizer"] = order.choice(["adamw", "sgd"])
        if params["optimizer"] == "sgd":
            params["optimizer.sgd.momentum"] = order.uniform(0.5, 1.0)
        drawn.append(params)
    return sorted(drawn, key=loss)


def loss(params: dict[str, Any]) -> float:
    lr, momentum = params["lr"], params.get("optimizer.sgd.momentum", 0.5)
    return abs(lr - 0.1) / (lr + 0.1) + 8 * (momentum - 0.9) ** 2


def judged(count: int = 200) -> dict[str, Effect]:
    return {effect.key: effect for effect in effects(TEXT, trials(count))}


def test_what_decides_is_first_and_what_does_not_never_mattered() -> None:
    found = judged()
    assert next(iter(found)) in ("lr", "optimizer.sgd.momentum")
    assert {key for key, effect in found.items() if effect.mattered} >= {"lr", "optimizer", "optimizer.sgd.momentum"}
    assert {key for key, effect in found.items() if effect.never_mattered} == {"decay", "flip"}


def test_a_dimension_in_a_branch_is_judged_among_the_trials_in_it() -> None:
    found, inside = judged(), sum(params["optimizer"] == "sgd" for params in trials(200))
    momentum = found["optimizer.sgd.momentum"]
    assert (momentum.trials, momentum.best) == (inside, best_count(inside))
    assert (found["optimizer"].trials, found["optimizer"].best) == (200, 20)
    alone = [params for params in trials(200) if params["optimizer"] == "sgd"]
    assert momentum in effects(TEXT, alone)  # whatever the trials of other branches are


def test_the_best_lie_in_a_region_or_have_choices() -> None:
    found = judged()
    region = found["lr"].region
    assert region is not None
    assert 0.01 < region.low < 0.1 < region.high < 0.4
    assert region.least <= region.low <= region.high <= region.greatest
    shares = {share.value: share for share in found["optimizer"].shares}
    assert shares["sgd"].best > 15
    assert shares["sgd"].trials + shares["adamw"].trials == 200
    assert found["optimizer"].region is None
    assert found["lr"].shares == ()


def test_its_json_has_what_is_shown() -> None:
    (effect,) = (effect for effect in effects(TEXT, trials(60)) if effect.key == "flip")
    told = effect.to_json()
    assert told["key"] == "flip"
    assert told["interval"] == [effect.low, effect.high]
    assert (told["trials"], told["region"]) == (60, None)
    assert [choice["value"] for choice in told["choices"]] == [False, True]
    assert json.loads(json.dumps(told)) == told


def test_few_trials_tell_nothing() -> None:
    assert effects(TEXT, trials(TRIALS - 1)) == []
    assert "optimizer.sgd.momentum" not in {effect.key for effect in effects(TEXT, trials(TRIALS))}


def test_a_dimension_that_was_searched_in_a_part_has_not_been_found_to_do_nothing() -> None:
    narrow = [params | {"decay": 0.1 + params["decay"] / 2} for params in trials(200)]
    (decay,) = (effect for effect in effects(TEXT, narrow) if effect.key == "decay")
    assert decay.low == 0
    assert not decay.never_mattered


def test_of_very_many_trials_some_of_every_rank_are_looked_at() -> None:
    many = {effect.key: effect for effect in effects(TEXT, trials(3 * MOST))}
    assert (many["lr"].trials, many["lr"].best) == (3 * MOST, 3 * MOST // 10)
    assert many["lr"].importance == pytest.approx(judged(1000)["lr"].importance, abs=0.1)


@pytest.mark.parametrize("space", ["", "{", "[1]", '{"parameters": 3}', '{"parameters": {"lr": 1}}'])
def test_a_space_of_another_version_tells_nothing(space: str) -> None:
    assert effects(space, trials(50)) == []


@pytest.mark.parametrize(
    "changed",
    [
        {"low": -1.0}, {"low": "a"}, {"high": float("nan")}, {"high": float("inf")}, {"high": 10**400},
        {"high": 0.001}, {"type": "choice"}, {"type": "choice", "choices": list(range(10**5))},
    ],
)  # fmt: skip
def test_a_space_that_somebody_has_edited_does_no_harm(changed: dict[str, Any]) -> None:
    text = json.dumps({"parameters": {"lr": SPACE["lr"] | changed}})
    told = [effect.to_json() for effect in effects(text, [*trials(50), *({"lr": number} for number in range(50))])]
    assert json.dumps(told, allow_nan=False)


def test_values_that_are_none_of_the_space_do_not_count() -> None:
    strange = [*trials(40), *({"lr": value} for value in (5.0, "0.1", None, -1.0, float("nan")))]
    (lr,) = (effect for effect in effects(TEXT, strange) if effect.key == "lr")
    assert lr.trials == 40
