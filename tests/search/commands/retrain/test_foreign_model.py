"""A model file that a study or a run only mentions is not run; one that the user named is, as it was then."""

from collections.abc import Callable
from pathlib import Path

import optuna
import pytest
import torch
from hpo.common import trust
from hpo.errors import TrustError
from hpo.search.api import diagnose, export, train
from hpo.search.commands.diagnose.options import DiagnoseOptions
from hpo.search.commands.evaluate.evaluate import evaluate
from hpo.search.commands.evaluate.options import EvaluateOptions
from hpo.search.commands.export.options import ExportOptions
from hpo.search.commands.predict.options import PredictOptions
from hpo.search.commands.predict.predict import predict
from hpo.search.commands.train.options import TrainOptions
from hpo.search.configuration.claim import Claimer
from hpo.search.configuration.model_copies import ModelCopies
from hpo.search.executors.base import Crashed, Job
from hpo.search.executors.clock import VirtualClock
from hpo.search.executors.inline import InlineExecutor
from hpo.search.resolve.trust import admit_model, model_files, name_space
from hpo.search.strategy.strategy import build_strategy
from hpo.spaces.load import load_space
from hpo.studies.book import book as studies_book
from hpo.studies.records.summarise import summarise
from hpo.studies.store.storage import open_storage
from hpo.training.checkpoints.checkpoint import save
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.models.source import name_model, source_digest
from torch import nn

from ..notes import Notes
from .conftest import Book, Retrain


@pytest.fixture(autouse=True)
def nothing_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust, "_allowed", set())


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "mark"


@pytest.fixture
def file(tmp_path: Path, mark: Path) -> Path:
    """A file that leaves a mark where it is run, and that nobody has named."""
    path = tmp_path / "net.py"
    path.write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).write_text('ran')\nfrom torch import nn\n"
        "def Net(num_classes, in_channels):\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    return path


@pytest.fixture
def config(file: Path) -> TrialConfig:
    return TrialConfig.model_validate(
        {
            "data": {"source": "digits", "batch_size": 128},
            "model": {"name": f"{file}:Net"},
            "optimizer": {"name": "sgd", "lr": 0.1},
            "budget": {"epochs": 1},
        }
    )


@pytest.fixture
def theirs(book: Book, config: TrialConfig) -> Book:
    """A home whose only trial mentions the file."""
    book.add(0.9, epochs=1, **config.model_dump(include={"data", "optimizer", "budget"}), model={"name": "simple_cnn"})
    storage = open_storage(book.home.storage_url)
    (trial,) = storage.get_all_trials(storage.get_study_id_from_name("digits"), deepcopy=False)
    study = optuna.load_study(study_name="digits", storage=storage)
    noted = {**trial.user_attrs, "config": config.model_dump_json()}
    study.add_trial(optuna.trial.create_trial(value=0.95, user_attrs=noted, intermediate_values={1: 0.95}))
    return book


@pytest.fixture
def run(tmp_path: Path, config: TrialConfig, digits_pack: Path) -> Path:
    return TrainingFolder.create(tmp_path / "run", config, Pack.open(digits_pack), "somebody").path


def test_no_verb_runs_what_a_study_mentions(theirs: Book, retrain: Retrain, mark: Path) -> None:
    home = theirs.home.root
    attempts: list[Callable[[], object]] = [
        retrain,
        lambda: train(TrainOptions(trial="digits/1", home=home, device="cpu")),
        lambda: diagnose(DiagnoseOptions(trial="digits/1", home=home, device="cpu")),
    ]
    for attempt in attempts:
        with pytest.raises(TrustError, match=r"net\.py:Net: not run, since you have not named this file"):
            attempt()
    assert not mark.exists()


def test_no_verb_runs_what_a_run_mentions(run: Path, config: TrialConfig, book: Book, mark: Path) -> None:
    home = book.home.root
    with torch.random.fork_rng():
        save(run / "best.ckpt", {"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).state_dict()})
    attempts: list[Callable[[], object]] = [
        lambda: train(TrainOptions(out=run, resume=True, home=home, device="cpu")),
        lambda: diagnose(DiagnoseOptions(run=run, home=home, device="cpu")),
        lambda: export(ExportOptions(str(run), home=home)),
        lambda: evaluate(EvaluateOptions(str(run), "digits", home=home, device="cpu"), Notes()),
        lambda: predict(PredictOptions(str(run), home=home, device="cpu"), [], print),
    ]
    for attempt in attempts:
        with pytest.raises(TrustError, match=r"net\.py:Net: not run, since you have not named this file"):
            attempt()
    assert not mark.exists()
    list(predict(PredictOptions(str(run), home=home, device="cpu", trust=True), [], print))
    assert mark.exists()


def test_trust_runs_it_once_and_says_so(theirs: Book, retrain: Retrain, file: Path, mark: Path) -> None:
    _, notes = retrain(trust=True)
    assert f"{file}: not on record as it is; run all the same (--trust)" in notes.notes
    assert mark.exists()


def test_a_worker_refuses_a_configuration_that_somebody_put_into_the_study(
    config: TrialConfig, digits_pack: Path, tmp_path: Path, mark: Path
) -> None:
    executor = InlineExecutor()
    executor.submit(Job(0, config, tmp_path / "trial", digits_pack))
    (event,) = executor.next_events()
    assert isinstance(event, Crashed)
    assert event.user_error
    assert "not run, since you have not named this file" in event.error
    assert not mark.exists()


def test_a_space_names_every_model_that_it_may_choose(tmp_path: Path, file: Path, config: TrialConfig) -> None:
    space = tmp_path / "mine.yaml"
    space.write_text(
        "data: {source: digits}\nmodel: {choices: {simple_cnn: , ./net.py:Net: , ./net.py:Other: {depth: 3}}}\n"
    )
    notes: list[str] = []
    name_space(load_space(str(space), TrialConfig), notes.append)
    assert notes == [f"{file}: named here, so it is run; on record from now on, as it is"]
    admit_model(config.model, trust=False, note=notes.append)


def test_a_trial_notes_what_it_was_trained_with(tmp_path: Path, file: Path) -> None:
    lines = (
        "data: {source: digits}",
        "model: {name: ./net.py:Net}",
        "optimizer: {name: sgd, lr: {low: 0.1, high: 0.2}}",
    )
    (tmp_path / "mine.yaml").write_text("\n".join(lines))
    space = load_space(str(tmp_path / "mine.yaml"), TrialConfig)
    storage = open_storage("sqlite://")
    study = optuna.create_study(storage=storage, study_name="s")

    def book() -> studies_book.Book:
        models = ModelCopies(tmp_path / "models", {name: source_digest(name) for name in model_files(space)})
        models.keep()
        strategy = build_strategy(
            space, strategy="pruning", sampler="random", pruner="none", seed=0, direction="maximize", epochs=1
        )
        return studies_book.Book(study, Claimer(space, strategy, models=models), VirtualClock().now)

    before = book()
    first = before.claim(100)
    text = file.read_text()
    file.write_text(text + "\n")
    also_first = before.claim(100)  # an edit during a run
    before.release(first.number)
    after = book()
    again, second = after.claim(100), after.claim(100)
    assert again.number == first.number
    assert again.config == first.config
    read = [
        Path(claim.config.model.name.rpartition(":")[0]).read_text() for claim in (first, also_first, again, second)
    ]
    assert read == [text, text, text, text + "\n"]
    noted = [summarise(storage, "s").trial(claim.number) for claim in (first, second)]
    assert [trial.model_source for trial in noted] == [
        source_digest(claim.config.model.name) for claim in (first, second)
    ]
    assert all(f"{file}:Net" in trial.config for trial in noted)  # where the user has it
    file.unlink()
    admit_model(first.config.model, trust=False, note=pytest.fail, trained_with=noted[0].model_source)


def test_a_file_that_changed_after_the_trial_makes_another_model(
    book: Book, retrain: Retrain, config: TrialConfig, file: Path
) -> None:
    storage = open_storage(book.home.storage_url)
    noted = {"config": config.model_dump_json(), "status": "finished", "best_epoch": 1}
    noted["model_source"] = source_digest(config.model.name)
    study = optuna.load_study(study_name="digits", storage=storage)
    study.add_trial(optuna.trial.create_trial(value=0.95, user_attrs=noted, intermediate_values={1: 0.95}))
    file.write_text(file.read_text() + "\n")
    name_model(config.model)  # the user's own, so it is no stranger's
    with pytest.raises(TrustError, match="the file, or one that it needs, has changed since the training"):
        retrain()
    _, notes = retrain(trust=True)
    assert any("run all the same (--trust)" in note for note in notes.notes)


def test_a_run_whose_file_has_changed_is_of_another_model(
    config: TrialConfig, digits_pack: Path, tmp_path: Path, book: Book, file: Path
) -> None:
    name_model(config.model)
    run = TrainingFolder.create(tmp_path / "run", config, Pack.open(digits_pack), "somebody").path
    with torch.random.fork_rng():
        save(run / "best.ckpt", {"model": nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).state_dict()})
    home = book.home.root
    list(predict(PredictOptions(str(run), home=home, device="cpu"), [], print))
    file.write_text(file.read_text().replace("nn.Linear(64, num_classes)", "nn.Dropout(), nn.Linear(64, num_classes)"))
    name_model(config.model)
    attempts: list[Callable[[], object]] = [
        lambda: train(TrainOptions(out=run, resume=True, home=home, device="cpu")),
        lambda: export(ExportOptions(str(run), home=home)),
        lambda: evaluate(EvaluateOptions(str(run), "digits", home=home, device="cpu"), Notes()),
        lambda: predict(PredictOptions(str(run), home=home, device="cpu"), [], print),
    ]
    for attempt in attempts:
        with pytest.raises(TrustError, match="has changed since the training"):
            attempt()
