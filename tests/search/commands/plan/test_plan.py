"""`hpo plan` on real images: what it measures, what it comes to, what it refuses, and that it begins nothing."""

import json
from pathlib import Path

import hpo
import pytest
from hpo.errors import SpaceError, StudyError
from hpo.search.commands.plan.plan import PlanWatcher, plan
from hpo.search.commands.plan.result import Plan
from hpo.search.commands.run.options import RunOptions

from ..notes import Notes

SMALL = ("model.width=4", "data.batch_size={choices: [64, 128]}", "data.max_train=200")


def options(home: Path, **changes: object) -> RunOptions:
    given = {"space": "simple_cnn", "data": "digits", "epochs": 2, "trials": 4, "overrides": SMALL, "workers": 1}
    return RunOptions(**{**given, "home": home, "device": "cpu", "tracking_uri": "none", **changes})  # type: ignore[arg-type]


def planned(options: RunOptions) -> tuple[Plan, list[str]]:
    notes = Notes()
    return plan(options, PlanWatcher(notes.stage, notes.note)), notes.notes


@pytest.mark.slow
@pytest.mark.usefixtures("warm_children")
def test_a_plan_of_two_workers_and_what_it_leaves(tmp_path: Path) -> None:
    made, notes = planned(options(tmp_path / "runs", workers=2))
    one, two = made.prospects
    assert (one.forecast.workers, two.forecast.workers) == (1, 2)
    for prospect in made.prospects:
        assert prospect.forecast.trials.median == 4
        assert prospect.forecast.epochs.low <= prospect.forecast.epochs.high <= 8
        assert prospect.measured.median.timing.epoch_s > 0
        assert prospect.total_s > prospect.setup_s > 0
    assert two.measured.largest.work.config.data.batch_size == 128
    assert made.memory.needed is not None
    assert 2 * 10**8 < made.memory.needed < made.memory.free
    assert made.disk.needed is not None
    assert (made.validation.images, made.test.images) == (180, 180)
    assert any("the test split has 180 images" in note for note in notes)
    assert json.loads(json.dumps(made.to_json()))["prospects"][1]["workers"] == 2
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"cache"}


@pytest.mark.slow
@pytest.mark.usefixtures("warm_children")
def test_of_a_study_that_has_begun_what_is_left(tmp_path: Path) -> None:
    asked = options(tmp_path / "runs", trials=2, epochs=1, executor="inline")
    hpo.run(asked)
    with pytest.raises(StudyError, match="study simple_cnn has 2 trials of 2 epochs: hpo run would end at once"):
        planned(asked)
    made, _ = planned(options(tmp_path / "runs", trials=5, epochs=1, executor="inline"))
    assert made.done == 2
    assert made.asked.forecast.trials.median == 3


@pytest.mark.slow
@pytest.mark.usefixtures("warm_children")
def test_a_configuration_that_cannot_be_trained_is_told(tmp_path: Path) -> None:
    """Each worker gives its reason, as no configuration of the space can be trained."""
    model = tmp_path / "model.py"
    model.write_text(
        "from torch import nn\n"
        "class Model(nn.Sequential):\n"
        "    def __init__(self, num_classes, in_channels, image_size):\n"
        "        super().__init__(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))\n"
        "    def forward(self, images):\n"
        "        if len(images) > 2:\n"
        "            raise ValueError('more than two images')\n"
        "        return super().forward(images)\n"
    )
    changes = (f"model={{name: '{model}:Model'}}", "data.max_train=200")
    with pytest.raises(hpo.HpoError, match=r"no configuration could be trained: .*more than two images"):
        planned(options(tmp_path / "runs", overrides=changes, skip_export_check=True))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"trials": None, "until": 0.9}, "hpo plan needs an end that can be told beforehand"),
        ({"executor": "ray", "device": "auto"}, "hpo plan measures this machine, got --executor ray"),
        ({"overrides": ("model.widht=4",)}, "did you mean width"),
        ({"pruner": "hyperbnad"}, "hyperband"),
    ],
)
def test_what_is_refused_before_an_image_is_read(changes: dict[str, object], words: str, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=words):
        planned(options(tmp_path / "runs", **changes))
    assert not (tmp_path / "runs").exists()
