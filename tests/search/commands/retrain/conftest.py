import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import RetrainResult, retrain_best
from hpo.search.configuration.claim import Claimer
from hpo.search.executors.clock import VirtualClock
from hpo.search.loop.outcome import outcome_of
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.find import Source
from hpo.spaces.load import load_source
from hpo.spaces.node import Location
from hpo.studies import attributes
from hpo.studies.book import book as studies_book
from hpo.studies.book.terms import Row
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.config import TrialConfig
from hpo.training.report import TrainResult
from hpo.training.train import train

from ..notes import Notes


class Book:
    """A study in a home, to which trials are added as a search would leave them."""

    def __init__(self, home: Home, fingerprint: str, make: Callable[..., TrialConfig]) -> None:
        self.home, self._make = home, make
        self._study = optuna.create_study(
            study_name="digits", storage=open_storage(home.storage_url), direction="maximize"
        )
        self._study.set_user_attr(attributes.DATA_FINGERPRINT, fingerprint)

    def add(
        self,
        value: float | None,
        *,
        epochs: int = 2,
        best_epoch: int | None = None,
        state: optuna.trial.TrialState = optuna.trial.TrialState.COMPLETE,
        notes: Mapping[str, Any] = {},
        curve: Sequence[float] = (),
        **sections: Any,
    ) -> TrialConfig:
        config = self._make(**{"budget": {"epochs": 2}, **sections})
        noted = {attributes.CONFIG: config.model_dump_json(), attributes.STATUS: "finished"}
        noted |= {attributes.BEST_EPOCH: best_epoch or epochs, attributes.METRICS: {"val_accuracy": 0.9}, **notes}
        reported = dict(enumerate(curve or [0.5] * epochs, start=1))
        trial = optuna.trial.create_trial(state=state, value=value, user_attrs=noted, intermediate_values=reported)
        self._study.add_trial(trial)
        return config

    def openings(self) -> list[dict[str, Any]]:
        """The log of openings of the test split."""
        log = self.home.study("digits") / "test_openings.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture
def book(tmp_path: Path, digits_pack: Path, small_config: Callable[..., TrialConfig]) -> Book:
    home = Home(tmp_path / "runs")
    home.cache.mkdir(parents=True)
    (home.cache / digits_pack.name).symlink_to(digits_pack)
    return Book(home, digits_pack.name, small_config)


Retrain = Callable[..., tuple[RetrainResult, Notes]]


@pytest.fixture
def retrain(book: Book, quick_exports: None) -> Retrain:
    def retrain(**options: Any) -> tuple[RetrainResult, Notes]:
        notes = Notes()
        given = {"home": book.home.root, "tracking_uri": "none", "device": "cpu", **options}
        return retrain_best(RetrainOptions(**given), notes), notes

    return retrain


def trained(config: TrialConfig, pack: Path, directory: Path, **options: Any) -> TrainResult:
    *_, result = train(config, pack=pack, directory=directory, **options)
    assert isinstance(result, TrainResult)
    return result


def searched(config: TrialConfig, pack: Path, home: Home) -> TrainResult:
    """A study of the one trial that `config` says, as a search leaves it."""
    study = optuna.create_study(
        study_name="s", storage=open_storage(home.storage_url), direction=config.objective.direction
    )
    study.set_user_attr(attributes.DATA_FINGERPRINT, pack.name)
    space = load_source(Source("s", config.model_dump_json(), Location("s", Path.cwd())), TrialConfig)
    setting: dict[str, Any] = {"sampler": "random", "pruner": "none", "seed": 0, "direction": "maximize"}
    strategy = build_strategy(space, strategy="pruning", epochs=config.budget.epochs, **setting)
    book = studies_book.Book(study, Claimer(space, strategy), VirtualClock().now)
    claim = book.claim(100)
    result = trained(claim.config, pack, home.trial("s", claim.number))
    assert result.best is not None
    for report in result.history:
        assert report.worth is not None
        book.report([Row(claim.number, report.epoch, report.worth)], lambda rows: {})
    book.finish(claim.number, outcome_of(result, config.objective))
    return result
