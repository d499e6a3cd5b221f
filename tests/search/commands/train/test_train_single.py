"""`hpo.train`: a run in a folder of its own, gone on with, and refused where it would write over another."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hpo.errors import DataError, SpaceError, StudyError, TrainingError
from hpo.search.api import train as train_plain
from hpo.search.commands.train.options import TrainOptions
from hpo.search.commands.train.train import TrainOutcome, train
from hpo.studies.store.locks import held
from hpo.training.checkpoints.training_folder import TrainingFolder
from hpo.training.loop.history import result_from_json
from hpo.training.report import EpochReport, Status

from ..notes import Notes

SMALL = ("model.width=4", "model.dropout=0.5", "data.batch_size=128", "ema.decay=0.9")


class Interrupting(Notes):
    """Interrupts after an epoch as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._last = after

    def epoch(self, report: EpochReport) -> None:
        super().epoch(report)
        if report.epoch == self._last:
            signal.raise_signal(signal.SIGINT)


Single = Callable[..., tuple[TrainOutcome, Notes]]


@pytest.fixture
def single(tmp_path: Path) -> Single:
    def single(notes: Notes | None = None, **options: Any) -> tuple[TrainOutcome, Notes]:
        notes = notes or Notes()
        what: dict[str, Any] = {"space": "simple_cnn", "overrides": SMALL, "data": "digits", "epochs": 3}
        if options.get("resume") and "space" not in options:
            what = {}
        given = {"home": tmp_path / "runs", "device": "cpu", **what, **options}
        return train(TrainOptions(**given), notes), notes

    return single


def values(outcome: TrainOutcome) -> list[dict[str, float]]:
    return [{k: v for k, v in r.metrics.items() if k != "images_per_s"} for r in outcome.result.history]


def test_a_folder_of_its_own_with_everything_in_it(single: Single, tmp_path: Path) -> None:
    outcome, notes = single()
    assert outcome.directory == tmp_path / "runs" / "train" / "simple_cnn-1"
    names = {path.name for path in outcome.directory.iterdir()} - {".lock"}
    assert names == {"config.json", "run.json", "result.json", "last.ckpt", "best.ckpt", "calibration.json"}
    folder = TrainingFolder.open(outcome.directory)
    assert folder.config.model.model_dump()["width"] == 4
    assert (folder.source, folder.origin) == ("digits", "space simple_cnn")
    assert (folder.pack / "manifest.json").exists()
    result = json.loads((outcome.directory / "result.json").read_text())
    assert result_from_json(result) == outcome.result
    assert json.loads(json.dumps(outcome.to_json())) == {"directory": str(outcome.directory), **result}
    assert notes.epochs == [1, 2, 3]
    assert notes.notes[0] == "values of the dimensions: lr=0.002 weight_decay=0.01"
    assert single()[0].directory.name == "simple_cnn-2"


@pytest.mark.slow
def test_interrupted_it_goes_on_where_it_was(single: Single, tmp_path: Path) -> None:
    whole, _ = single(out=tmp_path / "whole")
    out = tmp_path / "parts"
    with pytest.raises(KeyboardInterrupt):
        single(stopped := Interrupting(1), out=out)
    assert stopped.notes[-1] == f"stopped after epoch 1 of 3; hpo train --resume --out {out} goes on from there"
    parts, notes = single(out=out, resume=True)
    assert notes.epochs == [2, 3]
    assert values(parts) == values(whole)
    again, notes = single(out=out, resume=True)
    assert notes.epochs == []
    assert again.result == parts.result


def test_resuming_may_repeat_the_whole_command(single: Single, tmp_path: Path) -> None:
    out = tmp_path / "run"
    first, _ = single(out=out, resume=True, space="simple_cnn", overrides=SMALL, data="digits", epochs=1)
    again, _ = single(out=out, resume=True, space="simple_cnn", overrides=SMALL, data="digits", epochs=1)
    assert again.result == first.result


def test_another_configuration_is_not_taken_for_the_run(single: Single, tmp_path: Path) -> None:
    single(out=tmp_path / "run", epochs=1)
    before = (tmp_path / "run" / "last.ckpt").read_bytes()
    with pytest.raises(
        SpaceError, match=r"another configuration\n  optimizer.lr: 0.002 -> 0.5; budget.epochs: 1 -> 2\n"
    ):
        single(
            out=tmp_path / "run", resume=True, space="simple_cnn", data="digits", epochs=2,
            overrides=(*SMALL, "optimizer.lr=0.5"),
        )  # fmt: skip
    assert (tmp_path / "run" / "last.ckpt").read_bytes() == before


def test_folders_that_are_not_free(single: Single, tmp_path: Path) -> None:
    single(out=tmp_path / "run", epochs=1)
    with pytest.raises(SpaceError, match="holds a run already; --resume goes on with it"):
        single(out=tmp_path / "run")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("x")
    with pytest.raises(SpaceError, match=r"must be new or empty, but .*mine holds other files"):
        single(out=tmp_path / "mine")
    with pytest.raises(SpaceError, match="must name a directory"):
        single(out=tmp_path / "mine" / "notes.txt")
    with pytest.raises(SpaceError, match="nothing holds no run; give --space or --trial"):
        single(out=tmp_path / "nothing", resume=True)
    with held(tmp_path / "run" / ".lock"), pytest.raises(StudyError, match="is being trained by another process"):
        single(out=tmp_path / "run", resume=True)


def test_a_run_whose_pack_is_gone_makes_it_again(single: Single, tmp_path: Path) -> None:
    import shutil

    outcome, _ = single(out=tmp_path / "run", epochs=1)
    shutil.rmtree(tmp_path / "runs" / "cache")
    again, _ = single(out=tmp_path / "run", resume=True)
    assert again.result == outcome.result
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    shutil.rmtree(tmp_path / "runs" / "cache")
    (tmp_path / "run" / "run.json").write_text(json.dumps({**run, "fingerprint": "f" * 24}))
    with pytest.raises(DataError, match="fingerprint ffffffffffff"):
        single(out=tmp_path / "run", resume=True)


@pytest.mark.parametrize("damage", ["{", "{}", '{"pack": 3}'])
def test_a_damaged_run_is_refused(damage: str, single: Single, tmp_path: Path) -> None:
    single(out=tmp_path / "run", epochs=1)
    (tmp_path / "run" / "run.json").write_text(damage)
    with pytest.raises(TrainingError, match="run: the training cannot be read"):
        single(out=tmp_path / "run", resume=True)
    with pytest.raises(TrainingError, match="holds no training of `hpo train`"):
        TrainingFolder.open(tmp_path)


def test_a_run_that_diverged_says_so(single: Single, tmp_path: Path) -> None:
    steep = ("optimizer={name: sgd, lr: 100.0, momentum: 0.99}", "data.batch_size=4")
    outcome, _ = single(overrides=(*SMALL, *steep))
    assert outcome.result.status is Status.DIVERGED


def test_the_front_door(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = TrainOptions(
        space="simple_cnn", overrides=SMALL, data="digits", epochs=1, home=tmp_path, device="cpu", out=tmp_path / "run"
    )
    assert train_plain(options).result.status is Status.FINISHED
    captured = capsys.readouterr()
    assert "epoch 1/1" in captured.err
    assert captured.out == ""
