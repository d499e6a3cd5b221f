"""Which trials of a study of several objectives go on first."""

import optuna
from hpo.search.commands.extend.choose import choose
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.training.config import TrialConfig
from optuna.trial import FrozenTrial, TrialState, create_trial

NAN = float("nan")
EPOCHS = 4


def ended(accuracy: float, latency: float, epochs: int = EPOCHS) -> FrozenTrial:
    config = TrialConfig.model_validate({"data": {"source": "digits"}, "budget": {"epochs": EPOCHS}})
    is_whole = epochs == EPOCHS
    return create_trial(
        state=TrialState.COMPLETE if is_whole else TrialState.PRUNED,
        values=[accuracy, latency] if is_whole else None,
        intermediate_values=dict.fromkeys(range(1, epochs + 1), accuracy),
        user_attrs={attributes.CONFIG: config.model_dump_json(), attributes.OTHERS: {"1": [latency]}},
    )


def test_by_fronts_those_that_came_furthest_first(home: Home) -> None:
    study = optuna.create_study(
        study_name="s", storage=open_storage(home.storage_url), directions=["maximize", "minimize"]
    )
    study.add_trials(
        [
            ended(0.7, 5.0),  # dominated by trial 1, though second by accuracy
            ended(0.9, 4.0),
            ended(0.5, 1.0),  # of the front, though last by accuracy
            ended(NAN, 0.5, epochs=2),  # the fastest of those cut short
            ended(0.8, 9.0, epochs=2),
            ended(0.7, 9.5, epochs=2),
            ended(0.99, 0.1, epochs=1),
        ]
    )
    chosen = choose(summarise(study._storage, "s"), (), 9, 8)
    numbers = [each.record.number for each in chosen]
    assert sorted(numbers[:2]) == [1, 2]
    assert numbers[2] == 0
    assert sorted(numbers[3:5]) == [3, 4]
    assert numbers[5:] == [5, 6]
