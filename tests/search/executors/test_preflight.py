"""The child process that packs the data and tries the model: what it finds, and every way in which it can end."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import DataError, TrainingError
from hpo.search.executors.preflight import Preflight, preflight
from hpo.training.config import TrialConfig
from hpo.training.data.pack import Pack
from hpo.training.machine.numerics import Numerics
from hpo.training.models.config import needs_trial

NET = """
from torch import nn

def Net(num_classes, in_channels):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))
"""
pytestmark = pytest.mark.usefixtures("warm_children")

Make = Callable[..., TrialConfig]
Check = Callable[..., Preflight]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    def check(config: TrialConfig, stages: list[tuple[str, int, int]] | None = None, **options: Any) -> Preflight:
        def progress(*stage: object) -> None:
            if stages is not None:
                stages.append(stage)  # type: ignore[arg-type]

        given: dict[str, Any] = {"cards": [], "threads": 1, **options}
        places = {"cache": tmp_path / "cache", "data_root": tmp_path / "root"}
        models = [config] if needs_trial(config.model) else []
        return preflight(config, models=models, progress=progress, **places, **given)

    return check


def test_the_data_are_packed_once(check: Check, small_config: Make, tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    ready = check(small_config(), stages)
    assert ready.pack == tmp_path / "cache" / ready.fingerprint
    pack = Pack.open(ready.pack)
    assert pack.fingerprint == ready.fingerprint
    assert (pack.size("train"), pack.size("val")) == (ready.train_images, ready.val_images)
    assert stages
    assert all(0 <= done <= total for _, done, total in stages)
    again: list[tuple[str, int, int]] = []
    assert check(small_config(), again) == ready
    assert again == []


def test_what_takes_seconds_before_a_study_is_named(check: Check, small_config: Make, tmp_path: Path) -> None:
    model = tmp_path / "net.py"
    model.write_text(NET)
    stages: list[tuple[str, int, int]] = []
    check(small_config(model={"name": f"{model}:Net"}), stages, skip_export_check=True)
    assert stages[-2:] == [("importing torch", 0, 0), ("trying the models", 0, 0)]


def test_cards_are_counted_only_when_asked_for(check: Check, small_config: Make) -> None:
    import torch

    assert check(small_config()).gpus == 0
    assert check(small_config(), cards=None).gpus == torch.cuda.device_count()


@pytest.mark.slow
def test_it_is_found_out_what_auto_means(check: Check, small_config: Make, tmp_path: Path) -> None:
    assert check(small_config()).numerics == Numerics("fp32", "off")
    asked = small_config(compile="auto")
    first = check(asked).numerics
    assert (first.dtype, first.compile) == ("fp32", "off")
    assert first.note.startswith("compile: not tried, 36 steps of ")
    assert check(asked).numerics == first  # to the last digit of the measured time: it was not measured again


def test_missing_data_are_told_as_the_child_told_them(check: Check, small_config: Make, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; give a folder that holds one folder of images per class"):
        check(small_config(data={"source": str(tmp_path / "none")}))


@pytest.mark.slow
def test_a_users_model_is_tried_and_may_print(check: Check, small_config: Make, tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    code = "from torch import nn\nprint('{hello}')\n\n\ndef net(num_classes, in_channels, side=8):\n    print('hi')\n"
    file.write_text(f"{code}    return nn.Sequential(nn.Flatten(), nn.Linear(side * side, num_classes))\n")
    assert check(small_config(model={"name": f"{file}:net"})).fingerprint
    with pytest.raises(TrainingError, match=r"net\.py:net on images \[2, 1, 8, 8\]: .*shapes cannot be multiplied"):
        check(small_config(model={"name": f"{file}:net", "side": 9}))


@pytest.mark.slow
def test_published_models_are_tried_and_refused_as_the_child_says(check: Check, small_config: Make) -> None:
    with pytest.raises(TrainingError, match=r"takes no images of 8 px; set data\.image_size to 64, which works"):
        check(small_config(model={"name": "torchvision", "arch": "alexnet"}))


def test_a_child_that_dies_is_told(
    check: Check, small_config: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "net.py"
    file.write_text("import os\n\nos._exit(7)\n")
    with pytest.raises(DataError, match="the process died with exit code 7"):
        check(small_config(model={"name": f"{file}:net"}))
    assert capfd.readouterr().out == ""  # it belongs to --json


def test_a_file_here_that_is_called_like_a_library_is_not_imported(
    check: Check, small_config: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise RuntimeError('the wrong json')\n")
    (tmp_path / "random.py").write_text("raise RuntimeError('the wrong random')\n")
    monkeypatch.chdir(tmp_path)
    assert check(small_config()).fingerprint


@pytest.mark.slow
def test_a_model_that_cannot_be_exported_is_refused_unless_that_is_not_asked(
    check: Check, small_config: Make, tmp_path: Path
) -> None:
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n\n\nclass Net(nn.Linear):\n    def __init__(self, num_classes, in_channels):\n"
        "        super().__init__(64, num_classes)\n\n    def forward(self, images):\n"
        "        return super().forward(images.flatten(1)) * (2 if images.mean() > 0 else 1)\n"
    )
    config = small_config(model={"name": f"{file}:Net"})
    with pytest.raises(TrainingError, match=r"net\.py:9: a branch here depends on the values of the images"):
        check(config)
    assert check(config, skip_export_check=True).fingerprint
