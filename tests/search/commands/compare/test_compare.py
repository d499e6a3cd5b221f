"""Two studies, or two exports, side by side: by what is on record, and not one look more at the test images."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.errors import ExportError, StudyError
from hpo.search.commands.compare.compare import Comparison, compare
from hpo.search.commands.compare.options import CompareOptions
from hpo.studies import attributes
from hpo.studies.home import Home
from hpo.studies.store.storage import open_storage
from hpo.training.export.export_folder import ExportFolder
from hpo.training.export.manifest import ExportManifest
from hpo.training.export.names import PREDICTIONS
from hpo.training.export.predictions import Predictions
from optuna.trial import TrialState, create_trial

Make = Callable[..., optuna.Study]


def compared(home: Path, first: str, second: str) -> Comparison:
    comparison = compare(CompareOptions(first, second, home=home))
    json.dumps(comparison.to_json(), allow_nan=False)
    return comparison


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A function that makes a study of complete trials, each of one epoch, with a fingerprint and a metric."""

    def make(
        name: str, *values: float, fingerprint: str = "f", metric: str = "val_accuracy", **how: Any
    ) -> optuna.Study:
        study = optuna.create_study(study_name=name, storage=open_storage(Home(tmp_path).storage_url), **how)
        study.set_user_attr(attributes.OBJECTIVE_METRIC, metric)
        if fingerprint:
            study.set_user_attr(attributes.DATA_FINGERPRINT, fingerprint)
        notes = {attributes.CONFIG: "{}"}
        for value in values:
            study.add_trial(
                create_trial(state=TrialState.COMPLETE, value=value, intermediate_values={1: value}, user_attrs=notes)
            )
        return study

    return make


def space(**parameters: Any) -> str:
    fixed = {key: {"value": value} for key, value in parameters.items() if not isinstance(value, dict)}
    return json.dumps({"fixed": fixed, "parameters": {k: v for k, v in parameters.items() if isinstance(v, dict)}})


def test_two_studies_are_set_side_by_side(searched: Path) -> None:
    openings = [(searched / name / "test_openings.jsonl").read_text() for name in ("deep", "wide")]
    comparison = compared(searched, "deep", "wide")
    told = comparison.to_json()
    assert told["same_data"] is told["same_objective"] is True
    assert {change["key"] for change in told["space_changes"]} <= {"seed"}
    assert told["data_changes"] == []
    first, second = told["first"], told["second"]
    assert first["study"]["epochs_total"] > second["study"]["epochs_total"] > 0
    reached = [side["study"]["reached_the_others_best"] for side in (first, second)]
    assert any(reached)  # the better one at the latest with its best
    assert not comparison.not_compared
    assert [(searched / name / "test_openings.jsonl").read_text() for name in ("deep", "wide")] == openings


def test_winners_are_compared_image_by_image(searched: Path) -> None:
    comparison = compared(searched, "deep", "wide")
    assert comparison.test is not None
    exports = [ExportFolder.open(searched / name / "export") for name in ("deep", "wide")]
    accuracies = [export.manifest.metrics.test_accuracy for export in exports]
    assert comparison.test.difference == pytest.approx(accuracies[0] - accuracies[1])
    kept = [Predictions.of(export) for export in exports]
    assert kept[0] is not None
    assert kept[1] is not None
    assert comparison.test.only_first == (kept[0].right & ~kept[1].right).sum()
    assert comparison.test.images == 180


def test_a_study_and_its_own_export_are_the_same(searched: Path) -> None:
    comparison = compared(searched, "deep", str(searched / "deep" / "export"))
    assert comparison.test is not None
    assert (comparison.test.difference, comparison.test.p) == (0, 1)
    assert comparison.second.summary is None
    assert comparison.space_changes is None
    assert comparison.same_objective is False
    assert comparison.not_compared == ()


def test_exports_need_no_store(searched: Path, tmp_path: Path) -> None:
    folders = [str(searched / name / "export") for name in ("deep", "wide")]
    assert compared(tmp_path / "nothing", *folders).test is not None


def test_when_each_had_the_others_best(make: Make, tmp_path: Path) -> None:
    make("slow", 0.1, 0.2, 0.5, 0.9, direction="maximize")
    make("quick", 0.5, 0.6, direction="maximize")
    comparison = compared(tmp_path, "slow", "quick")
    assert comparison.first_reached is not None
    assert (comparison.first_reached.trial, comparison.first_reached.value) == (3, 0.9)
    assert comparison.second_reached is None
    make("low", 3.0, 1.0, direction="minimize")
    make("lower", 0.5, direction="minimize")
    comparison = compared(tmp_path, "low", "lower")
    assert comparison.first_reached is None
    assert comparison.second_reached is not None


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"fingerprint": "other"}, "values on other data are not comparable"),
        ({"fingerprint": ""}, "another program made one of the studies, and kept no fingerprint"),
        (
            {"metric": "val_loss"},
            "one search is to maximize val_accuracy of the best epoch, the other to maximize val_loss",
        ),
        ({"direction": "minimize"}, "the other to minimize val_accuracy"),
        ({}, "study one has no export; make one with: hpo retrain-best one"),
    ],
)
def test_what_cannot_be_compared_is_said(make: Make, tmp_path: Path, how: dict[str, Any], words: str) -> None:
    for name, facts in (("one", {"direction": "maximize"}), ("two", {"direction": "maximize", **how})):
        make(name, 0.5, **facts).set_user_attr(attributes.SPACE, space(a=1))
    comparison = compared(tmp_path, "one", "two")
    assert any(words in each for each in comparison.not_compared), comparison.not_compared
    assert comparison.test is None


def test_spaces_and_data_that_differ_are_told_apart(make: Make, tmp_path: Path) -> None:
    low = {"type": "float", "low": 0.1, "high": 1.0, "log": True, "step": None}
    make("one", 0.5).set_user_attr(attributes.SPACE, space(**{"data.source": "digits", "lr": low, "same": 1}))
    make("two", 0.5).set_user_attr(
        attributes.SPACE, space(**{"data.source": "mnist", "lr": {**low, "high": 2.0}, "same": 1})
    )
    comparison = compared(tmp_path, "one", "two")
    assert comparison.data_changes is not None
    assert [(change.key, change.old, change.new) for change in comparison.data_changes] == [
        ("data.source", "digits", "mnist")
    ]
    assert comparison.space_changes is not None
    assert [(change.key, change.kind) for change in comparison.space_changes] == [("lr", "range")]


@pytest.mark.parametrize(
    "kept", ["", "[]", "{}", '{"fixed": 1, "parameters": 2}', '{"fixed": {}, "parameters": {"a": {}}}']
)
def test_a_space_that_is_none_of_ours_is_not_compared(make: Make, tmp_path: Path, kept: str) -> None:
    make("one", 0.5).set_user_attr(attributes.SPACE, kept)
    make("two", 0.5).set_user_attr(attributes.SPACE, space(a=1))
    comparison = compared(tmp_path, "one", "two")
    assert comparison.space_changes is None
    assert any("the spaces" in each for each in comparison.not_compared)


def test_an_empty_study_is_compared_too(make: Make, tmp_path: Path) -> None:
    make("one", 0.5)
    make("none")
    comparison = compared(tmp_path, "none", "one")
    assert (comparison.first.best, comparison.first_reached, comparison.second_reached) == (None, None, None)


def test_exports_of_a_version_before_are_named(searched: Path, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(searched, home)
    folder = home / "wide" / "export"
    manifest = ExportManifest.read(folder)
    files = {name: file for name, file in manifest.files.items() if name != PREDICTIONS}
    manifest.model_copy(update={"files": files}).write(folder)
    comparison = compared(home, "deep", "wide")
    assert comparison.test is None
    assert f"{folder} keeps no test predictions" in comparison.not_compared[0]


def test_exports_of_other_data_are_not_paired(searched: Path, tmp_path: Path) -> None:
    other = tmp_path / "export"
    shutil.copytree(searched / "wide" / "export", other)
    ExportManifest.read(other).model_copy(update={"data_fingerprint": "other"}).write(other)
    comparison = compared(searched, "deep", str(other))
    assert (comparison.same_data, comparison.test) == (False, None)
    assert "tested on other images, so that nothing is paired" in comparison.not_compared[0]


def test_what_is_neither_is_told(searched: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no study is called 'dep'; did you mean deep"):
        compared(searched, "deep", "dep")
    with pytest.raises(ExportError, match="holds no export"):
        compared(searched, "deep", str(tmp_path))
