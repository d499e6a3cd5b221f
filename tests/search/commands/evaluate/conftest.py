"""One small winner, retrained and exported in a home, and one run of `hpo train`; both for all tests here."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.search.commands.evaluate.evaluate import EvaluateOutcome, evaluate
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import retrain_best
from hpo.search.progress.single import PlainWatcher
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.train import train


@dataclass(frozen=True)
class Models:
    """A home with the study `digits`, its export, and a run beside it."""

    home: Home
    run: Path

    @property
    def export(self) -> Path:
        return self.home.export("digits")

    def evaluate(self, model: str, **options: Any) -> EvaluateOutcome:
        given = {"home": self.home.root, "device": "cpu", "tracking_uri": "none", **options}
        return evaluate(EvaluateOptions(model, **given), PlainWatcher())

    def openings(self, place: str = "digits") -> list[str]:
        """The reasons in a log of openings."""
        log = self.home.root / place / "test_openings.jsonl"
        return [json.loads(line)["reason"] for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="session")
def models(
    digits_pack: Path,
    small_config: Callable[..., TrialConfig],
    tmp_path_factory: pytest.TempPathFactory,
    quick_exports: None,
) -> Models:
    home, pack = Home(tmp_path_factory.mktemp("home") / "runs"), Pack.open(digits_pack)
    home.cache.mkdir(parents=True)
    (home.cache / digits_pack.name).symlink_to(digits_pack)
    config = small_config()
    study = optuna.create_study(study_name="digits", storage=open_storage(home.storage_url), direction="maximize")
    study.set_user_attr(attributes.DATA_FINGERPRINT, pack.fingerprint)
    noted = {attributes.CONFIG: config.model_dump_json(), attributes.STATUS: "finished", attributes.BEST_EPOCH: 3}
    study.add_trial(
        optuna.trial.create_trial(value=0.9, user_attrs=noted, intermediate_values={1: 0.5, 2: 0.6, 3: 0.9})
    )
    list(train(config, pack=digits_pack, directory=home.trial("digits", 0), device="cpu"))
    retrain_best(RetrainOptions(home=home.root, tracking_uri="none", device="cpu"), PlainWatcher())
    run = TrainingFolder.create(home.root / "train" / "first", config, pack, "a test").path
    list(train(config, pack=digits_pack, directory=run, device="cpu"))
    return Models(home, run)
