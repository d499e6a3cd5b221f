"""Runs of Weights & Biases as its own package leaves them offline, read from its files."""

import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, Event, StudyStarted, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from hpo.studies.tracking.tracker_kinds import TrackedStudy
from hpo.studies.tracking.wandb_tracker import WandbTracker
from PIL import Image

PARAMS = {"optimizer.lr": 0.1, "model.name": "resnet", "augment.flip": True, "schedule.name": None}
SECRET = "s3cr3t"
_BLOCK, _HEADER = 32768, 7


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")


@dataclass
class Kept:
    """What the files of one run id hold, those of all processes together."""

    files: int = 0
    name: str = ""
    group: str = ""
    project: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    history: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)


def kept(home: Home) -> dict[str, Kept]:
    """Every run of the study by its id."""
    found: dict[str, Kept] = defaultdict(Kept)
    for file in sorted(home.study("digits").glob("wandb/offline-run-*/run-*.wandb")):
        run = found[file.stem.removeprefix("run-")]
        run.files += 1
        for record in records(file):
            add(run, record)
    return dict(found)


def add(run: Kept, record: Any) -> None:
    match record.WhichOneof("record_type"):
        case "run":
            run.name, run.group, run.project = record.run.display_name, record.run.run_group, record.run.project
            run.config |= {item.key: loads(item.value_json) for item in record.run.config.update}
        case "history":
            row = {item.nested_key[0] if item.nested_key else item.key: loads(item.value_json)
                   for item in record.history.item}  # fmt: skip
            run.history.append((record.history.step.num, row))
        case "summary":
            items = record.summary.update
            run.summary |= {(i.nested_key[0] if i.nested_key else i.key): loads(i.value_json) for i in items}
        case "exit":
            run.exit_codes.append(record.exit.exit_code)


def records(file: Path) -> Iterator[Any]:
    """The records of a `.wandb` file: a header, then the log format of LevelDB."""
    from wandb.proto import wandb_internal_pb2

    content, place, parts = file.read_bytes(), _HEADER, b""
    while place + _HEADER <= len(content):
        if _BLOCK - place % _BLOCK < _HEADER:
            place += _BLOCK - place % _BLOCK  # the rest of a block is too short for a record
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts += content[place + _HEADER : place + _HEADER + length]
        place += _HEADER + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def tell(home: Home, events: Sequence[Event], **training: str) -> list[str]:
    """Have a tracker of one process tell `events`, and the package end all of its own; what the tracker warns of."""
    import wandb

    warnings: list[str] = []
    tracker = WandbTracker(TrackedStudy(home, "digits", "none", warnings.append, **training))
    for event in events:
        tracker.tell(event)
    assert tracker.close(1) == 0
    wandb.teardown()
    return warnings


def epochs(trial: int, *numbers: int) -> list[Event]:
    return [Epoch(trial, number, {"val_accuracy": number / 8}) for number in numbers]


def curve(run: Kept) -> list[tuple[int, float]]:
    return [(step, row["val_accuracy"]) for step, row in run.history if "val_accuracy" in row]


def test_a_run_for_each_trial_grouped_by_study(home: Home, tmp_path: Path) -> None:
    picture = tmp_path / "confusion_matrix.png"
    Image.fromarray(np.eye(3, dtype=np.uint8)).save(picture)
    ended = TrialEnded(0, "COMPLETE", {"best_val_accuracy": 0.25}, {"verdict": "healthy"}, [picture])
    started = StudyStarted("val_accuracy", "maximize")
    tell(home, [started, TrialStarted(0, PARAMS), TrialStarted(1, {}), *epochs(0, 1, 2), *epochs(1, 1), ended])
    first, second = sorted(kept(home).values(), key=lambda run: run.name)
    assert (first.name, second.name) == ("trial-0000", "trial-0001")
    assert (first.group, second.group, first.project) == ("digits", "digits", "hpo")
    assert PARAMS.items() <= first.config.items()
    assert curve(first) == [(1, 0.125), (2, 0.25)]
    assert {"best_val_accuracy": 0.25, "verdict": "healthy", "state": "COMPLETE"}.items() <= first.summary.items()
    assert first.exit_codes == [0]
    assert list(home.study("digits").glob("wandb/offline-run-*/files/media/images/confusion_matrix_*.png"))


def test_a_paused_trial_goes_on_in_the_same_run_and_no_epoch_is_told_twice(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 1, 2)])
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 2, 3), TrialEnded(0, "COMPLETE")])
    (run,) = kept(home).values()
    assert run.files == 2
    assert curve(run) == [(1, 0.125), (2, 0.25), (3, 0.375)]


def test_a_trial_at_a_rung_says_so_until_it_is_promoted_and_no_run_is_opened_for_its_end(home: Home) -> None:
    paused = [TrialPaused(number, 0, {"last_val_accuracy": 0.125}) for number in (0, 1)]
    starts = [TrialStarted(0, PARAMS), *epochs(0, 1), paused[0], TrialStarted(1, PARAMS), *epochs(1, 1), paused[1]]
    tell(home, starts)
    wanted = {"state": "paused at rung 0", "last_val_accuracy": 0.125}
    assert all(wanted.items() <= run.summary.items() for run in kept(home).values())
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 2), TrialEnded(1, "PRUNED")])
    promoted, ended = sorted(kept(home).values(), key=lambda run: run.name)
    assert promoted.summary["state"] == "RUNNING"
    assert wanted.items() <= ended.summary.items()
    assert (promoted.exit_codes, ended.exit_codes) == ([1, 1], [1])
    assert curve(promoted) == [(1, 0.125), (2, 0.25)]


def test_what_is_noted_of_a_trial_is_in_the_summary_of_its_run(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 1), TrialNoted(0, {"audit_epoch": 1}), TrialEnded(0, "COMPLETE")])
    (run,) = kept(home).values()
    assert run.summary["audit_epoch"] == 1


@pytest.mark.parametrize("content", ["", "[]", '{"id": "../../x", "epoch": 1}', '{"id": 3}'])
def test_a_note_that_says_nothing_begins_a_new_run(home: Home, content: str) -> None:
    folder = home.study("digits") / "wandb"
    folder.mkdir(parents=True)
    (folder / "trial-0000.json").write_text(content)
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 1), TrialEnded(0, "FAIL")])
    (run,) = kept(home).values()
    assert curve(run) == [(1, 0.125)]
    assert run.exit_codes == [1]


def test_no_key_and_nothing_of_the_command_line_is_kept(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", SECRET * 8)
    monkeypatch.setattr("sys.argv", ["hpo", "run", "--storage", f"postgresql://ann:{SECRET}@host/studies"])
    tell(home, [TrialStarted(0, PARAMS), *epochs(0, 1), TrialEnded(0, "COMPLETE")])
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_without_an_account_nobody_is_asked_and_runs_stay_here(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("WANDB_MODE", "WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (told,) = tell(home, [TrialStarted(0, PARAMS), *epochs(0, 1), TrialEnded(0, "COMPLETE")])
    assert told.startswith("W&B: no account is set up here (`wandb login`); runs stay in ")
    assert len(kept(home)) == 1


def test_a_server_that_does_not_answer_is_told_once_and_runs_stay_here(
    home: Home, monkeypatch: pytest.MonkeyPatch, free_port: int
) -> None:
    import wandb

    wandb.teardown()
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setenv("WANDB_BASE_URL", f"http://user:{SECRET}@127.0.0.1:{free_port}")
    trials = [TrialStarted(0, PARAMS), *epochs(0, 1), TrialStarted(1, {}), *epochs(1, 1), TrialEnded(0, "COMPLETE")]
    (told,) = tell(home, trials)
    stay = f"runs stay in {home.study('digits') / 'wandb'}; `wandb sync` sends them"
    assert told == f"W&B at http://user:***@127.0.0.1:{free_port} does not answer; {stay}"
    assert sorted(run.name for run in kept(home).values()) == ["trial-0000", "trial-0001"]
