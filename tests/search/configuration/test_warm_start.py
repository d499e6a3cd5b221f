"""`--warm-start`: the best trials of another study, mapped to this space."""

import json
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.configuration.warm_start import BEST, mapped, warm_start
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies import attributes
from hpo.studies.store.storage import open_storage
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

SGD, ADAMW = (("optimizer", "sgd"),), (("optimizer", "adamw"),)
SPACE = SearchSpace(
    "s",
    (
        Choice("optimizer", ("adamw", "sgd"), branching=True),
        Float("optimizer.sgd.lr", 0.01, 1.0, log=True, condition=SGD),
        Float("optimizer.adamw.lr", 1e-4, 1e-2, log=True, condition=ADAMW),
        Float("model.dropout", 0.0, 0.5),
        Int("model.width", 8, 64),
    ),
    (Fixed("optimizer.sgd.name", "sgd", SGD), Fixed("optimizer.adamw.name", "adamw", ADAMW)),
)


def test_values_of_the_same_dimensions_are_taken() -> None:
    params = {"optimizer": "sgd", "optimizer.sgd.lr": 0.1, "model.dropout": 0.2, "model.width": 16}
    assert mapped(SPACE, params, {}) == params


def test_what_the_space_has_not_is_left_out_and_so_is_a_branch_that_is_not_chosen() -> None:
    params = {"optimizer": "sgd", "optimizer.sgd.lr": 5.0, "model.dropout": 0.9, "model.width": 16, "loss.x": 1}
    assert mapped(SPACE, params, {}) == {"optimizer": "sgd", "model.width": 16}
    assert mapped(SPACE, {"optimizer": "rmsprop", "optimizer.sgd.lr": 0.1}, {}) == {}
    assert mapped(SPACE, {"optimizer.adamw.lr": 1e-3}, {}) == {}


def test_what_was_fixed_there_is_read_from_the_configuration() -> None:
    tree = {"optimizer": {"name": "adamw", "lr": 1e-3}, "model": {"width": 32, "dropout": None}}
    assert mapped(SPACE, {"optimizer.lr": 1e-3}, tree) == {
        "optimizer": "adamw",
        "optimizer.adamw.lr": 1e-3,
        "model.width": 32,
    }


class Source:
    def __init__(self, direction: str = "maximize") -> None:
        self.storage = open_storage("sqlite://")
        self.study = optuna.create_study(storage=self.storage, study_name="old", direction=direction)

    def add(self, value: float | None, dropout: float, *, own: bool = True) -> None:
        config: Any = {attributes.CONFIG: json.dumps({"model": {"dropout": dropout}})} if own else {}
        state = TrialState.PRUNED if value is None else TrialState.COMPLETE
        params, kinds = {"model.dropout": dropout}, {"model.dropout": FloatDistribution(0.0, 1.0)}
        self.study.add_trial(
            create_trial(value=value, params=params, distributions=kinds, state=state, user_attrs=config)
        )


@pytest.mark.parametrize(("direction", "best"), [("maximize", [9, 8, 7, 6, 5]), ("minimize", [0, 1, 2, 3, 4])])
def test_the_best_complete_trials_come_first(direction: str, best: list[int]) -> None:
    source = Source(direction)
    for number in range(10):
        source.add(float(number), number / 20)
    source.add(None, 0.5)
    first = warm_start(source.storage, "old", SPACE)
    assert len(first) == BEST
    assert [trial.origin for trial in first] == [{"study": "old", "trial": number} for number in best]
    assert [trial.params for trial in first] == [{"model.dropout": number / 20} for number in best]


def test_equal_configurations_are_tried_once_and_foreign_ones_not_at_all() -> None:
    source = Source()
    source.add(0.9, 0.1)
    source.add(0.8, 0.1)
    source.add(1.0, 0.2, own=False)
    assert [trial.origin["trial"] for trial in warm_start(source.storage, "old", SPACE)] == [0]


def test_a_study_that_gives_nothing_is_refused() -> None:
    source = Source()
    with pytest.raises(StudyError, match="--warm-start old: there is nothing to begin with; it has no complete trial"):
        warm_start(source.storage, "old", SPACE)
    source.add(0.9, 0.7)
    with pytest.raises(StudyError, match="none of its dimensions is one of this space"):
        warm_start(source.storage, "old", SPACE)
    with pytest.raises(StudyError, match="no study is called 'odl'; did you mean old"):
        warm_start(source.storage, "odl", SPACE)
