"""A race on a study, with its trainings: fresh seeds, other validation images, and what is kept of it."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hpo.common import manifest as common_manifest
from hpo.errors import DataError, SpaceError, StudyError
from hpo.search.commands.export.register import metrics_to_numbers
from hpo.search.commands.retrain.fit import RetrainError
from hpo.search.commands.retrain.fresh import Seeds
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.retrain.retrain import retrain_best
from hpo.studies.home import Home
from hpo.training.checkpoints.training_folder import CONFIG, RESULT
from hpo.training.config import TrialConfig
from hpo.training.data import prepare as preparing
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
from hpo.training.export.manifest import ExportManifest
from hpo.training.export.race import Race
from hpo.training.report import EpochReport
from optuna.trial import TrialState
from PIL import Image

from ..notes import Notes
from .conftest import Book, Retrain

FEW: dict[str, Any] = {"source": "digits", "batch_size": 64, "max_train": 100, "max_val": 20}
GOOD: dict[str, Any] = {"name": "adamw", "lr": 1e-2}
LUCKY: dict[str, Any] = {"name": "adamw", "lr": 1e-6}  # it learns nothing, whatever the search saw


@pytest.fixture
def book(tmp_path: Path, few: Path, small_config: Callable[..., TrialConfig]) -> Book:
    """A study of few images, whose better trial is the worse configuration."""
    home = Home(tmp_path / "runs")
    home.cache.mkdir(parents=True)
    (home.cache / few.name).symlink_to(few)
    book = Book(home, few.name, small_config)
    book.add(0.9, data=FEW, optimizer=LUCKY)
    book.add(0.8, data=FEW, optimizer=GOOD)
    return book


def race_of(manifest: ExportManifest) -> Race:
    assert manifest.selection is not None
    assert manifest.selection.race is not None
    return manifest.selection.race


def folders(book: Book) -> dict[tuple[int, int], Path]:
    """The folders of fresh trainings, by trial and repetition."""
    found = book.home.study("digits", "retrain", "race").glob("*/trial-*")
    return {(int(path.name.split("-")[1]), int(path.name.split("-")[2])): path for path in found}


def configs(book: Book) -> dict[tuple[int, int], TrialConfig]:
    return {
        key: TrialConfig.model_validate_json((folder / CONFIG).read_text()) for key, folder in folders(book).items()
    }


def test_the_race_finds_who_was_lucky_and_the_manifest_keeps_it(book: Book, retrain: Retrain) -> None:
    result, notes = retrain(candidates=2, seeds=3)
    manifest = ExportManifest.read(book.home.export("digits"))
    schema = json.loads(Path(common_manifest.__file__).with_name("manifest.schema.json").read_text())
    jsonschema.validate(json.loads((book.home.export("digits") / "manifest.json").read_text()), schema)
    assert manifest.trial == 1
    race = race_of(manifest)
    lucky, winner = race.entries
    assert (race.seeds, race.validation, race.winner) == (3, "drawn anew", winner)
    assert (lucky.trial, lucky.selected, winner.trial, winner.selected) == (0, 0.9, 1, 0.8)
    assert lucky.optimism is not None
    assert lucky.optimism > 0.5
    assert len(winner.values) == 3
    assert result.to_json()["selection"]["race"]["entries"][0]["outcome"] == lucky.outcome
    assert metrics_to_numbers(manifest)["race/mean"] == winner.mean
    assert notes.epochs[-2:] == [1, 2], "the winner is trained as without a race"
    assert len(book.openings()) == 1


def test_a_fresh_training_has_another_seed_and_the_validation_images_of_its_repetition(
    book: Book, retrain: Retrain, few: Path
) -> None:
    retrain(candidates=2, seeds=2)
    trained = configs(book)
    assert set(trained) == {(0, 1), (0, 2), (1, 1), (1, 2)}
    assert len({config.seed for config in trained.values()} | {0}) == 5
    seeds = {key: config.data.val_seed for key, config in trained.items()}
    assert seeds[0, 1] == seeds[1, 1] != seeds[0, 2] == seeds[1, 2]
    packs = [prepare(config.data, cache=book.home.root / "again") for config in (trained[0, 1], trained[0, 2])]
    for pack in packs:
        for name in ("images.npy", "labels.npy", "index.npy"):
            assert (pack.path / "test" / name).read_bytes() == (few / "test" / name).read_bytes()
    drawn = [set(pack.val.index.tolist()) for pack in packs]
    assert drawn[0] != drawn[1]
    kept = {path.name for folder in folders(book).values() for path in folder.iterdir()}
    assert kept == {CONFIG, RESULT}, "no checkpoints"
    assert not book.home.study("digits", "retrain", "race", "packs").exists()


def test_fresh_seeds_are_the_same_each_time_and_never_those_of_the_search() -> None:
    seeds = Seeds(study=5, used=(), used_splits=())
    first = seeds.of_training(3, 1)
    assert first == Seeds(5, (), ()).of_training(3, 1)
    assert len({seeds.of_training(trial, repetition) for trial in range(30) for repetition in range(1, 30)}) == 870
    assert Seeds(6, (), ()).of_training(3, 1) != first
    assert Seeds(5, (first,), ()).of_training(3, 1) != first
    assert Seeds(5, (), (seeds.of_validation(1),)).of_validation(1) != seeds.of_validation(1)


class Interrupter(Notes):
    """Presses Ctrl-C in an epoch."""

    def __init__(self, at: int) -> None:
        super().__init__()
        self._at = at

    def epoch(self, report: EpochReport) -> None:
        super().epoch(report)
        if len(self.epochs) == self._at:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
def test_a_race_that_was_stopped_goes_on_and_ends_as_one_that_was_not(
    book: Book, retrain: Retrain, quick_exports: None
) -> None:
    options = {"home": book.home.root, "tracking_uri": "none", "device": "cpu", "candidates": 2, "seeds": 2}
    stopped = Interrupter(at=5)  # the first epoch of the third training
    with pytest.raises(KeyboardInterrupt):
        retrain_best(RetrainOptions(**options), stopped)
    assert stopped.notes[-1].startswith("stopped in repetition 2, trial 0; all that is trained is kept")
    assert sorted(key for key, folder in folders(book).items() if (folder / RESULT).exists()) == [
        (0, 1),
        (0, 2),
        (1, 1),
    ]
    result, notes = retrain(candidates=2, seeds=2)
    assert notes.epochs == [2, 1, 2, 1, 2], "the rest of that training, the last one, and the winner"
    again, quiet = retrain(candidates=2, seeds=2)
    assert quiet.epochs == []
    race = race_of(result.manifest)
    assert race_of(again.manifest) == race
    for folder in folders(book).values():
        (folder / RESULT).unlink()
    afresh, notes = retrain(candidates=2, seeds=2)
    assert len(notes.epochs) == 8
    assert race_of(afresh.manifest) == race, "on a CPU bit by bit"


@pytest.mark.slow
def test_a_longer_race_begins_where_the_shorter_one_ended(book: Book, retrain: Retrain) -> None:
    first, _ = retrain(seeds=2)
    longer, notes = retrain(seeds=3)
    assert notes.epochs == [1, 2]
    (short,), (long,) = race_of(first.manifest).entries, race_of(longer.manifest).entries
    assert long.values[:2] == short.values
    assert (short.probability, len(long.values)) == (1, 3)


@pytest.mark.slow
def test_validation_images_that_the_data_give_stay(
    tmp_path: Path, small_config: Callable[..., TrialConfig], quick_exports: None
) -> None:
    random = np.random.default_rng(0)
    for number in range(60):
        path = tmp_path / "images" / ("train", "val", "test")[number // 20] / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (8, 8), dtype=np.uint8)).save(path)
    home, data = Home(tmp_path / "runs"), {"source": str(tmp_path / "images"), "batch_size": 8}
    pack = prepare(DataConfig.model_validate(data), cache=home.cache)
    book = Book(home, pack.fingerprint, small_config)
    book.add(0.9, data=data)
    options = RetrainOptions(home=home.root, tracking_uri="none", device="cpu", seeds=2)
    notes = Notes()
    manifest = retrain_best(options, notes).manifest
    assert race_of(manifest).validation == "given"
    assert {config.data.val_seed for config in configs(book).values()} == {None}
    assert any("the validation images that the data give" in note for note in notes.notes)


@pytest.mark.slow
def test_a_trial_that_diverges_on_a_fresh_seed_is_out(book: Book, retrain: Retrain) -> None:
    book.add(0.95, data={**FEW, "batch_size": 4}, optimizer={"name": "sgd", "lr": 100.0, "momentum": 0.99})
    result, _ = retrain(candidates=3, seeds=2)
    failed = race_of(result.manifest).entries[0]
    assert (failed.trial, failed.outcome, failed.failure) == (2, "failed", "diverged")
    assert result.manifest.trial == 1
    with pytest.raises(RetrainError, match="none of 1 trial could be trained with all 2 seeds\n  --trial N"):
        retrain(candidates=1, seeds=2)


def test_two_trials_of_one_configuration_are_one_candidate(book: Book, retrain: Retrain) -> None:
    book.add(0.85, data=FEW, optimizer=GOOD, seed=7)
    result, notes = retrain(candidates=3, seeds=2)
    assert [entry.trial for entry in race_of(result.manifest).entries] == [0, 2]
    assert any(note.startswith("race of 2 trials over 2 repetitions") for note in notes.notes)


def test_images_that_have_changed_are_refused_before_a_training(
    book: Book, retrain: Retrain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparing, "_fingerprint", lambda *_: "f" * 24)
    with pytest.raises(DataError, match=r"must be the same as then .*\n.*leave --candidates and --seeds out"):
        retrain(candidates=2)
    assert not folders(book)


def test_a_plateau_of_a_trial_is_a_plateau_again(book: Book, retrain: Retrain) -> None:
    plateau = {"schedule": {"name": "plateau", "patience": 1}, "notes": {"lr_factors": [1.0, 1.0]}}
    book.add(0.95, data=FEW, optimizer=GOOD, **plateau)
    retrain(seeds=2)
    assert {config.schedule.name for config in configs(book).values()} == {"plateau"}


def test_a_study_without_a_complete_trial_is_refused(tmp_path: Path, book: Book) -> None:
    options = {"home": book.home.root, "tracking_uri": "none", "device": "cpu"}
    book._study._storage.delete_study(book._study._study_id)
    other = Book(book.home, "f" * 24, book._make)
    other.add(None, data=FEW, state=TrialState.PRUNED)
    with pytest.raises(StudyError, match="has no complete trial, but 1 pruned"):
        retrain_best(RetrainOptions(**options, seeds=2), Notes())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"candidates": 0}, "--candidates must be 1 to 1000, got 0"),
        ({"seeds": 1}, "--seeds must be 2 to 1000, got 1"),
        ({"candidates": 2, "trial": 3}, "--trial must be left out with --candidates and --seeds, got 3"),
        ({"seeds": 2, "epochs": 3}, "--epochs must be left out with --candidates and --seeds, got 3"),
    ],
)
def test_what_makes_no_race_is_refused(options: dict[str, int], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        RetrainOptions(**options)
