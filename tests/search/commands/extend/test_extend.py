"""Trials that go on with more epochs: which, from where, and that the same training comes again."""

import json
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.api import extend, run
from hpo.search.commands.extend import extend as module
from hpo.search.commands.extend.choose import choose
from hpo.search.commands.extend.extend import ExtendResult
from hpo.search.commands.extend.options import ExtendOptions
from hpo.search.commands.replay.options import ReplayOptions
from hpo.search.commands.replay.replay import replay
from hpo.search.commands.retrain.choose import choose as choose_winner
from hpo.search.commands.retrain.options import RetrainOptions
from hpo.search.commands.run.prepare import Watcher
from hpo.search.loop.goal import Outcome
from hpo.search.progress.base import NoProgress
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.records.reader import open_to_read
from hpo.studies.records.summarise import summarise
from hpo.training.report import EpochReport

from ..notes import Notes

SPACE = """\
search: {strategy: rungs, sampler: random}
data: {source: digits, batch_size: 64, max_train: 256, max_val: 64}
model: {name: simple_cnn, width: 4}
optimizer: {name: adamw, lr: {low: 0.001, high: 0.02, log: true, prior: 0.005}}
schedule: {name: SCHEDULE}
budget: {epochs: 5}
"""
QUIET: dict[str, Any] = {"executor": "inline", "tracking_uri": "none", "device": "cpu"}

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("warm_children")]  # each prepares a search, and replays


def search(folder: Path, schedule: str, **more: Any) -> Path:
    """A study `s` of four trials in a home: the first ran to its end, the others are paused, or wait."""
    folder.mkdir(exist_ok=True)
    (folder / "s.yaml").write_text(SPACE.replace("SCHEDULE", schedule))
    run(space=str(folder / "s.yaml"), study="s", max_epochs_total=8, home=folder / "runs", **QUIET, **more)
    return folder / "runs"


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return search(tmp_path_factory.mktemp("extend"), "constant")


@pytest.fixture
def home(searched: Path, tmp_path: Path) -> Path:
    """A home of one's own with the study."""
    shutil.copytree(searched.parent, tmp_path / "search")
    return tmp_path / "search" / "runs"


def trials(home: Path) -> dict[int, optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{home}/studies.db")
    return {trial.number: trial for trial in study.get_trials()}


def check_same_again(home: Path, number: int) -> None:
    again = replay(ReplayOptions(f"s/{number}", home=home, device="cpu"), Notes())
    assert again.same, (again.before, again.after)


class Watching(NoProgress):
    """Remembers notes; ends the command by Ctrl-C after `epochs`."""

    def __init__(self, epochs: int | None = None) -> None:
        self.notes: list[str] = []
        self._epochs = epochs

    def epoch(self, number: int, report: EpochReport, value: float) -> None:
        if self._epochs is not None and report.epoch >= self._epochs:
            signal.raise_signal(signal.SIGINT)

    def extend(self, home: Path, **options: Any) -> ExtendResult:
        watcher = Watcher(lambda *_: None, lambda _: self, self.notes.append)
        return module.extend(ExtendOptions("s", home=home, **QUIET, **options), watcher)


def test_a_paused_trial_goes_on_from_its_checkpoint_where_that_is_the_same_training(home: Path) -> None:
    before = trials(home)
    parent = next(number for number, trial in before.items() if trial.user_attrs.get(attributes.PAUSED))
    watching = Watching()
    result = watching.extend(home, trial=str(parent), epochs=7)
    child = len(before)
    assert watching.notes[-1] == (
        f"trial {child} trains the configuration of trial {parent} to 7 epochs, from the checkpoint of epoch 1"
    )
    assert result.outcome is Outcome.DONE
    assert [(was.number, now.number, now.epochs) for was, now in result.pairs] == [(parent, child, 7)]
    after = trials(home)
    assert after[child].intermediate_values[1] == before[parent].intermediate_values[1]
    assert (after[child].params, after[child].distributions) == (before[parent].params, before[parent].distributions)
    assert after[child].user_attrs[attributes.ORIGIN] == {"extends": {"trial": parent, "epochs": 7}}
    check_same_again(home, child)
    untouched = {number: (trial.state, trial.intermediate_values) for number, trial in before.items()}
    assert untouched == {number: (after[number].state, after[number].intermediate_values) for number in before}


def test_under_a_schedule_of_another_length_it_is_trained_from_the_beginning(tmp_path: Path) -> None:
    home = search(tmp_path, "cosine")
    parent = next(number for number, trial in trials(home).items() if trial.user_attrs.get(attributes.PAUSED))
    watching = Watching()
    result = watching.extend(home, trial=(0, parent), epochs=6)
    assert [note.partition(", ")[2] for note in watching.notes[-2:]] == [
        "from the beginning: a cosine schedule of more epochs is another one"
    ] * 2
    first, second = (after.number for _, after in result.pairs)
    assert json.loads(trials(home)[first].user_attrs[attributes.CONFIG])["budget"]["epochs"] == 6
    check_same_again(home, first)
    winner = choose_winner(RetrainOptions("s", trial=second, home=home), Home(home))
    assert (winner.epochs, winner.config.budget.epochs) == (6, 6)
    of_the_same_length = Watching()
    of_the_same_length.extend(home, trial=str(parent))
    assert of_the_same_length.notes[-1].endswith(f"of trial {parent} to 5 epochs, from the checkpoint of epoch 1")


def test_the_same_command_again_goes_on_where_it_was_interrupted(home: Path) -> None:
    assert Watching(epochs=3).extend(home, top=1, epochs=8).outcome is Outcome.INTERRUPTED
    left = trials(home)
    watching = Watching()
    result = watching.extend(home, top=1, epochs=8)
    assert watching.notes[-1].endswith("to 8 epochs, and was put in line before")
    (pair,) = result.pairs
    assert len(trials(home)) == len(left)
    assert pair[1].epochs == 8
    check_same_again(home, pair[1].number)
    again = Watching().extend(home, top=1, epochs=8)
    assert again.outcome is Outcome.DONE
    assert len(trials(home)) == len(left)


def test_a_search_goes_on_after_it_as_if_there_were_no_extension(home: Path) -> None:
    extension = extend("s", top=1, epochs=6, home=home, **QUIET).pairs[0][1].number
    result = run(space=str(home.parent / "s.yaml"), study="s", trials=extension + 3, home=home, **QUIET)
    assert result.outcome is Outcome.DONE
    assert len(result.study.trials) == extension + 3
    assert all(extension not in rung.ranks for rung in result.study.rungs)
    assert result.study.trial(extension).extends == 0


def test_the_best_trials_go_on_and_of_a_line_of_extensions_the_longest(home: Path) -> None:
    def chosen(top: int, epochs: int | None) -> list[int]:
        summary = summarise(open_to_read(None, Home(home)), "s")
        return [each.record.number for each in choose(summary, (), top, epochs)]

    first = chosen(9, 7)
    assert first[0] == 0, "the complete one is the best"
    values = {number: trial.intermediate_values for number, trial in trials(home).items()}
    furthest = [(max(values[number]), values[number][max(values[number])]) for number in first[1:]]
    assert furthest == sorted(furthest, reverse=True)
    assert 0 not in chosen(9, None), "it has come to its own budget"
    extended = extend("s", trial="0", epochs=6, home=home, **QUIET).pairs[0][1].number
    assert extended in chosen(9, 7)
    assert 0 not in chosen(9, 7)
    assert 0 in chosen(9, 6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"trial": "0", "epochs": 5},
            "trial 0 of study s has trained 5 epochs, and must go on to more; got",
        ),
        ({"trial": "0"}, "has trained 5 epochs, and must go on to more; give --epochs a larger number"),
        ({"trial": "99", "epochs": 9}, "study s has trials 0 to .*, got 99"),
        ({"top": 2, "epochs": 1}, "study s has no trial that can go on to 1 epoch; see hpo show"),
    ],
)
def test_what_cannot_go_on_is_refused_before_anything_is_trained(
    home: Path, options: Mapping[str, Any], words: str
) -> None:
    before = len(trials(home))
    with pytest.raises(StudyError, match=words):
        extend("s", home=home, **QUIET, **options)
    assert len(trials(home)) == before
