"""A study is created once, gone on with while it is the same, and refused where it has become another."""

import json
import threading
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import StudyError
from hpo.search.configuration.example import example_config
from hpo.search.configuration.identify import identify
from hpo.search.strategy.proposers.suggest import suggest
from hpo.spaces.load import load_space
from hpo.spaces.space import SearchSpace
from hpo.studies import attributes
from hpo.studies.book.open_study import Begun, Identity, begun_with, open_study
from hpo.studies.store.storage import open_storage
from hpo.training.config import TrialConfig
from optuna.storages import BaseStorage
from optuna.trial import TrialState

FILE = """
data: {source: digits}
model: {name: simple_cnn, dropout: {low: 0.0, high: 0.5, prior: 0.2}}
optimizer: {choices: {sgd: {lr: {low: 0.01, high: 1.0, log: true}}, adamw: {}}, prior: sgd}
"""


@pytest.fixture
def storage() -> BaseStorage:
    return open_storage("sqlite://")


@pytest.fixture
def spaces(tmp_path: Path) -> Any:
    """A function that gives the space, with overrides."""
    (tmp_path / "digits.yaml").write_text(FILE)

    def spaces(*overrides: str) -> SearchSpace:
        return load_space(str(tmp_path / "digits.yaml"), TrialConfig, list(overrides))

    return spaces


@pytest.fixture
def identity(spaces: Any) -> Any:
    """A function that gives the identity of a study, with overrides of its space."""

    def identity(*overrides: str, fingerprint: str = "a" * 24, models: Any = None) -> Identity:
        space = spaces("seed=7", *overrides)
        return identify(space, example_config(space), fingerprint=fingerprint, command="hpo", models=models)

    return identity


def with_a_trial(storage: BaseStorage, identity: Identity) -> optuna.Study:
    """The study of `identity` with one complete trial."""
    study = open_study(storage, "digits", identity, accept_change=False)
    trial = study.ask()
    trial.suggest_float("model.dropout", 0.0, 0.5)
    study.tell(trial, 0.5)
    return study


def test_a_new_study_has_its_identity_and_its_priors_first(storage: BaseStorage, identity: Any, spaces: Any) -> None:
    study = open_study(storage, "digits", identity(), accept_change=False)
    assert study.direction is optuna.study.StudyDirection.MAXIMIZE
    assert study.metric_names == ["val_accuracy"]
    noted = study.user_attrs
    assert (noted[attributes.SEED], noted[attributes.DATA_FINGERPRINT]) == (7, "a" * 24)
    assert noted[attributes.SPACE_NAME] == "digits"
    trial = study.ask()
    params = suggest(trial, spaces())
    assert (params["model.dropout"], params["optimizer"]) == (0.2, "sgd")


def test_opening_again_adds_nothing(storage: BaseStorage, identity: Any) -> None:
    study = with_a_trial(storage, identity())
    created = study.user_attrs[attributes.CREATED]
    again = open_study(storage, "digits", identity(), accept_change=False)
    assert [trial.state for trial in again.trials] == [TrialState.COMPLETE]
    assert again.user_attrs[attributes.CREATED] == created


def test_priors_and_the_order_of_the_file_are_no_change(storage: BaseStorage, identity: Any, tmp_path: Path) -> None:
    with_a_trial(storage, identity())
    (tmp_path / "digits.yaml").write_text("\n".join(reversed(FILE.replace(", prior: 0.2", "").strip().splitlines())))
    assert len(open_study(storage, "digits", identity(), accept_change=False).trials) == 1


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.dropout={low: 0.0, high: 0.9}", "model.dropout"),
        ("model.dropout=0.1", "model.dropout"),
        ("loss.label_smoothing={low: 0.0, high: 0.2}", "loss.label_smoothing"),
        ("budget.epochs=30", "budget.epochs"),
    ],
)
def test_a_change_that_keeps_old_trials_valid_may_be_accepted(
    storage: BaseStorage, identity: Any, spaces: Any, override: str, words: str
) -> None:
    with_a_trial(storage, identity())
    with pytest.raises(StudyError) as caught:
        open_study(storage, "digits", identity(override), accept_change=False)
    message = str(caught.value)
    assert message.startswith("study 'digits' was made with another space")
    assert words in message
    assert " -> " in message
    assert "--study OTHER-NAME" in message
    assert "--accept-space-change" in message
    assert len(message.splitlines()) <= 3

    changed = identity(override)
    study = open_study(storage, "digits", changed, accept_change=True)
    study.sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=1)
    for _ in range(3):  # Optuna takes the old trial and the new ones together
        trial = study.ask()
        suggest(trial, spaces(override))
        study.tell(trial, 0.4)
    assert len(study.trials) == 4
    open_study(storage, "digits", changed, accept_change=False)  # from now on it is the study's own space
    with pytest.raises(StudyError, match="was made with another space"):
        open_study(storage, "digits", identity(), accept_change=False)


@pytest.mark.parametrize("key", ["data.source", "data.split_file"])
def test_data_that_lie_elsewhere_are_the_same_by_their_content(
    storage: BaseStorage, identity: Any, tmp_path: Path, key: str
) -> None:
    with_a_trial(storage, identity(f"{key}=/old/place"))
    notes: list[str] = []
    here = identity(f"{key}=/new/place")
    study = open_study(storage, "digits", here, accept_change=False, note=notes.append)
    assert notes == [f"{key}: /old/place -> /new/place: the same content, so study digits goes on with it"]
    assert len(study.trials) == 1
    assert json.loads(study.user_attrs[attributes.SPACE])["fixed"][key]["value"] == "/new/place"
    open_study(storage, "digits", here, accept_change=False, note=pytest.fail)
    with pytest.raises(StudyError, match=f"{key}: /new/place -> /old/place"):
        open_study(storage, "digits", identity(f"{key}=/old/place", fingerprint="b" * 24), accept_change=True)
    with pytest.raises(StudyError, match=r"was made with another space\n  budget.epochs"):
        open_study(storage, "digits", identity(f"{key}=/old/place", "budget.epochs=3"), accept_change=False)


def test_an_edited_model_is_refused_as_a_changed_space_is(storage: BaseStorage, identity: Any) -> None:
    name, override = "/here/net.py:Net", "model={name: '/here/net.py:Net'}"
    with_a_trial(storage, identity(override, models={name: "a" * 64}))
    edited = identity(override, models={name: "b" * 64})
    with pytest.raises(StudyError) as caught:
        open_study(storage, "digits", edited, accept_change=False)
    assert "was made with another space\n  model /here/net.py:Net: aaaaaaaaaaaa -> bbbbbbbbbbbb" in str(caught.value)
    assert "--accept-space-change" in str(caught.value)
    study = open_study(storage, "digits", edited, accept_change=True)
    assert json.loads(study.user_attrs[attributes.MODELS]) == {name: "b" * 64}
    open_study(storage, "digits", edited, accept_change=False)


def test_a_model_whose_file_was_moved_is_the_same(storage: BaseStorage, identity: Any) -> None:
    with_a_trial(storage, identity("model={name: '/old/net.py:Net'}", models={"/old/net.py:Net": "a" * 64}))
    moved, other = ({"/new/net.py:Net": digest * 64} for digest in "ab")
    with pytest.raises(StudyError, match=r"/old/net\.py:Net -> /new/net\.py:Net"):
        open_study(storage, "digits", identity("model={name: '/new/net.py:Net'}", models=other), accept_change=False)
    notes: list[str] = []
    here = identity("model={name: '/new/net.py:Net'}", models=moved)
    open_study(storage, "digits", here, accept_change=False, note=notes.append)
    assert notes == [
        "model.name: /old/net.py:Net -> /new/net.py:Net: the same content, so study digits goes on with it"
    ]


@pytest.mark.parametrize(
    ("overrides", "changes", "words"),
    [
        (["model.dropout={low: 0.01, high: 0.5, log: true}"], {}, "model.dropout"),
        (["optimizer={choices: {sgd: {}, adamw: {}}}", "data.split_seed=3"], {}, "data.split_seed"),
        (["objective={metric: val_loss, direction: minimize}"], {}, "objective"),
        ([], {"fingerprint": "b" * 24}, "data fingerprint: aaaaaaaaaaaa -> bbbbbbbbbbbb (the images, or how hpo reads"),
    ],
)
@pytest.mark.parametrize("accept_change", [False, True])
def test_a_change_that_makes_old_trials_void_is_refused(
    storage: BaseStorage, identity: Any, overrides: list[str], changes: dict[str, Any], words: str, accept_change: bool
) -> None:
    study = with_a_trial(storage, identity())
    before = study.user_attrs
    with pytest.raises(StudyError) as caught:
        open_study(storage, "digits", identity(*overrides, **changes), accept_change=accept_change)
    message = str(caught.value)
    assert words in message
    assert "--study OTHER-NAME" in message
    assert "--accept-space-change" not in message
    assert len(message.splitlines()) <= 3
    assert study.user_attrs == before


def test_an_empty_study_of_that_name_is_taken(storage: BaseStorage, identity: Any) -> None:
    theirs = optuna.create_study(study_name="digits", storage=storage, direction="maximize")
    theirs.set_user_attr("note", "mine")
    study = open_study(storage, "digits", identity(), accept_change=False)
    assert study._study_id == theirs._study_id
    assert (study.user_attrs[attributes.SEED], study.user_attrs["note"]) == (7, "mine")


@pytest.mark.parametrize(
    ("direction", "enqueued", "words"),
    [
        ("minimize", 0, "'digits' is not one that hpo made, and its direction must be maximize, got minimize; choose"),
        ("minimize", 1, "'digits' holds 1 trial that hpo did not make; choose another --study"),
        ("maximize", 2, "'digits' holds 2 trials that hpo did not make; choose another --study"),
    ],
)
@pytest.mark.parametrize("accept_change", [False, True])
def test_a_study_of_somebody_else_is_refused_as_it_is(
    storage: BaseStorage, identity: Any, direction: str, enqueued: int, words: str, accept_change: bool
) -> None:
    theirs = optuna.create_study(study_name="digits", storage=storage, direction=direction)
    for x in range(enqueued):
        theirs.enqueue_trial({"x": x})
    with pytest.raises(StudyError, match=words):
        open_study(storage, "digits", identity(), accept_change=accept_change)
    again = optuna.load_study(study_name="digits", storage=storage)
    assert again._study_id == theirs._study_id
    assert len(again.trials) == enqueued
    assert again.user_attrs == {}


def test_nothing_tried_is_nothing_to_protect(storage: BaseStorage, identity: Any, spaces: Any) -> None:
    """Made, then stopped before its first trial: the next command is free to want something else."""
    open_study(storage, "digits", identity(), accept_change=False)
    changes = ("objective={metric: val_loss, direction: minimize}", "model.dropout.prior=0.4")
    other = identity(*changes)
    study = open_study(storage, "digits", other, accept_change=False)
    assert study.direction is optuna.study.StudyDirection.MINIMIZE
    assert suggest(study.ask(), spaces(*changes))["model.dropout"] == 0.4


@pytest.mark.parametrize("override", ["budget.epochs=3", "objective={metric: val_loss, direction: minimize}"])
def test_what_somebody_enqueued_is_something_to_protect(storage: BaseStorage, identity: Any, override: str) -> None:
    study = open_study(storage, "digits", identity(), accept_change=False)
    study.enqueue_trial({"model.dropout": 0.1})
    with pytest.raises(StudyError, match="--study OTHER-NAME"):
        open_study(storage, "digits", identity(override), accept_change=False)
    assert optuna.load_study(study_name="digits", storage=storage)._study_id == study._study_id
    assert len(study.trials) == 2


def test_an_accepted_change_keeps_what_somebody_enqueued(storage: BaseStorage, identity: Any) -> None:
    study = open_study(storage, "digits", identity(), accept_change=False)
    study.enqueue_trial({"model.dropout": 0.1})
    again = open_study(storage, "digits", identity("budget.epochs=3"), accept_change=True)
    assert [trial.system_attrs["fixed_params"].get("model.dropout") for trial in again.trials] == [0.2, 0.1]


def test_a_paused_trial_is_something_to_protect(storage: BaseStorage, identity: Any) -> None:
    study = open_study(storage, "digits", identity(), accept_change=False)
    trial = study.ask()
    trial.set_user_attr(attributes.CONFIG, "{}")
    storage.set_trial_state_values(trial._trial_id, TrialState.WAITING)
    with pytest.raises(StudyError, match="was made with another space"):
        open_study(storage, "digits", identity("budget.epochs=3"), accept_change=False)


def test_another_programs_study_is_left_alone(storage: BaseStorage, identity: Any) -> None:
    theirs = optuna.create_study(study_name="digits", storage=storage, direction="maximize")
    theirs.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    with pytest.raises(StudyError, match="holds 2 trials that hpo did not make; choose another --study"):
        open_study(storage, "digits", identity(), accept_change=True)
    assert theirs.user_attrs == {}


def test_the_seed_of_a_study_is_kept(storage: BaseStorage, identity: Any) -> None:
    assert begun_with(storage, "digits") is None
    open_study(storage, "digits", identity(), accept_change=False)
    assert begun_with(storage, "digits") == Begun(seed=7, at_best=False)
    optuna.create_study(study_name="theirs", storage=storage)
    assert begun_with(storage, "theirs") is None


def test_a_study_of_an_older_version_goes_on_with_the_best_epoch(storage: BaseStorage, identity: Any) -> None:
    """To those the best epoch counted without saying; its trials are not compared with the last epochs of new ones."""
    new = with_a_trial(storage, identity())
    old = optuna.create_study(study_name="old", storage=storage, direction="maximize")
    for name, value in new.user_attrs.items():
        if name != attributes.OBJECTIVE_AT:
            old.set_user_attr(name, value)
    old.add_trials(new.trials)
    assert begun_with(storage, "old") == Begun(seed=7, at_best=True)
    assert len(open_study(storage, "old", identity("objective.at=best"), accept_change=False).trials) == 1
    with pytest.raises(StudyError, match=r"objective\.at: best -> not set"):
        open_study(storage, "old", identity(), accept_change=True)


def test_another_epoch_that_counts_is_another_study(storage: BaseStorage, identity: Any) -> None:
    with_a_trial(storage, identity())
    with pytest.raises(StudyError, match=r"objective\.at: not set -> best"):
        open_study(storage, "digits", identity("objective.at=best"), accept_change=True)


def test_priors_are_enqueued_once_although_nothing_ran(storage: BaseStorage, identity: Any) -> None:
    """Killed between making the study and its first trial, then started again."""
    for _ in range(3):
        study = open_study(storage, "digits", identity(), accept_change=False)
    assert [trial.state for trial in study.trials] == [TrialState.WAITING]


@pytest.mark.parametrize(
    "spaces_of", [("",), ("", "model.dropout={low: 0.0, high: 0.4, prior: 0.2}")], ids=["one", "two"]
)
def test_several_starts_at_once_make_one_study(tmp_path: Path, identity: Any, spaces_of: tuple[str, ...]) -> None:
    """Whoever comes second finds a whole study: the same one, or another that was not begun, which it replaces."""
    url = f"sqlite:///{tmp_path}/studies.db"
    stores = [open_storage(url) for _ in range(4)]
    identities = [identity(*filter(None, [spaces_of[i % len(spaces_of)]])) for i in range(4)]
    together = threading.Barrier(4)
    errors: list[Exception] = []

    def start(storage: BaseStorage, mine: Identity) -> None:
        together.wait()
        try:
            open_study(storage, "digits", mine, accept_change=False)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start, args=pair) for pair in zip(stores, identities, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    study = optuna.load_study(study_name="digits", storage=open_storage(url))
    assert [trial.state for trial in study.trials] == [TrialState.WAITING]
    assert study.user_attrs[attributes.SPACE] in {json.dumps(dict(each.space)) for each in identities}
