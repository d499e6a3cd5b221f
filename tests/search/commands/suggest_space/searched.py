"""A study of random trials with a made-up objective, as `hpo run` leaves it."""

import json
import random
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import optuna
from hpo.search.configuration.space_file import SpaceFile
from hpo.search.strategy.proposers.suggest import distributions
from hpo.spaces.draw import allowed_draws
from hpo.spaces.dump import dump_space
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.studies import attributes
from hpo.studies.files import SPACE_FILE, write_text
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from optuna.trial import FrozenTrial, TrialState, create_trial

from ....studies.records.rung_study import CONFIG

Value = Callable[[Mapping[str, Any]], float]

TEXT = """
data: {source: digits, batch_size: {choices: [32, 64, 128]}}
augment: {flip: {choices: [false, true]}}
model: {name: simple_cnn, width: {low: 8, high: 64, step: 8}, dropout: {low: 0.0, high: 0.6}}
optimizer:
  choices:
    sgd: {lr: {low: 1e-4, high: 1.0, log: true, prior: 0.1}, momentum: {low: 0.5, high: 0.9}}
    adamw: {lr: {low: 1e-6, high: 1e-3, log: true}}
  prior: sgd
budget: {epochs: 3}
search: {sampler: random}
forbid:
  - {optimizer: adamw, model.width: 64}
  - {optimizer.sgd.lr: "> 0.9", data.batch_size: [32, 128]}
"""


def space_from(folder: Path, text: str = TEXT) -> SearchSpace:
    """The space of a file, called `wide`."""
    file = folder / "wide.yaml"
    file.write_text(text)
    return load_space(str(file), SpaceFile)


def drawn(space: SearchSpace, count: int, value: Value) -> list[dict[str, Any]]:
    """Parameters of random trials, the best first."""
    draws = islice(allowed_draws(space, random.Random(0), {}), count)
    return sorted(draws, key=value, reverse=True)


def searched(home: Home, space: SearchSpace, value: Value, count: int = 80, study: str = "wide") -> optuna.Study:
    """A study of random trials, of which the worse half was stopped after an epoch."""
    home.root.mkdir(exist_ok=True)
    made = optuna.create_study(storage=open_storage(home.storage_url), study_name=study, direction="maximize")
    made.set_user_attr(attributes.SPACE, json.dumps(space.canonical()))
    made.set_user_attr(attributes.OBJECTIVE_METRIC, "val_accuracy")
    params = [*islice(allowed_draws(space, random.Random(0), {}), count)]
    middle = sorted(map(value, params))[count // 2]
    made.add_trials([_trial(space, each, value(each), complete=value(each) >= middle) for each in params])
    write_text(home.study(study) / SPACE_FILE, dump_space(space))
    return made


def _trial(space: SearchSpace, params: Mapping[str, Any], value: float, *, complete: bool) -> FrozenTrial:
    own = distributions(space)
    return create_trial(
        state=TrialState.COMPLETE if complete else TrialState.PRUNED,
        value=value,
        params=dict(params),
        distributions={key: own[key] for key in params},
        intermediate_values=dict.fromkeys([1, 2, 3] if complete else [1], value),
        user_attrs={attributes.CONFIG: CONFIG},
    )
