"""A saved configuration means what it meant to the version that saved it."""

import json
from pathlib import Path
from typing import Any

import pytest
from hpo.search.configuration.configure import read_config
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.saved_config import read_saved
from pydantic import ValidationError

CONFIG = TrialConfig(metrics=("val_ece",))


def saved_before_at(config: TrialConfig = CONFIG) -> dict[str, Any]:
    tree = config.model_dump(mode="json")
    del tree["objective"]["at"], tree["objective"]["mean_of"]
    return tree


def test_the_best_epoch_is_what_counted() -> None:
    old = read_saved(json.dumps(saved_before_at()))
    assert old == CONFIG.model_copy(update={"objective": CONFIG.objective.model_copy(update={"at": "best"})})
    assert read_config(json.dumps(saved_before_at())) == old


@pytest.mark.parametrize("objective", [{}, {"at": "best"}, {"mean_of": 3}])
def test_what_says_so_is_read_as_it_is(objective: dict[str, Any]) -> None:
    config = TrialConfig.model_validate({"objective": objective})
    assert read_saved(config.model_dump_json()) == config


@pytest.mark.parametrize("text", ["", "[]", "3", '{"objective": 3}', '{"objective": {"metric": 1}}', '{"colour": 1}'])
def test_what_is_no_configuration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        read_saved(text)


def test_a_folder_of_an_older_version(digits_pack: Path, tmp_path: Path) -> None:
    TrainingFolder.create(tmp_path, CONFIG, Pack.open(digits_pack), "space digits")
    (tmp_path / "config.json").write_text(json.dumps(saved_before_at()))
    assert TrainingFolder.open(tmp_path).config.objective.at == "best"
