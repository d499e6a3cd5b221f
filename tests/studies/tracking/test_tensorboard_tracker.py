"""Event files, read back with TensorBoard's own readers."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, Event, TrialEnded, TrialNoted, TrialPaused, TrialStarted
from hpo.studies.tracking.tensorboard_tracker import TensorboardTracker
from hpo.studies.tracking.tracker_kinds import TrackedStudy
from PIL import Image

from ...warm.client import Command

PARAMS = {"optimizer.lr": 0.1, "model.name": "resnet", "augment.flip": True, "schedule.name": None}


def tell(home: Home, events: Sequence[Event], **training: str) -> None:
    """Have a tracker of one process write `events`."""
    tracker = TensorboardTracker(TrackedStudy(home, "digits", "none", pytest.fail, **training))
    for event in events:
        tracker.tell(event)
    assert tracker.close(1) == 0


def epochs(*numbers: int) -> list[Event]:
    return [Epoch(0, number, {"val_accuracy": number / 8, "lr": 0.5}) for number in numbers]


def read(home: Home, run: str = "trial-0000") -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(home.study("digits") / "tensorboard" / run))
    reader.Reload()
    return reader


def curve(home: Home, tag: str = "val_accuracy", run: str = "trial-0000") -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in read(home, run).Scalars(tag)]


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "confusion_matrix.png"
    Image.fromarray(np.eye(3, 4, dtype=np.uint8) * 255).save(path)
    return path


def test_curves_texts_and_pictures_come_back(home: Home, picture: Path) -> None:
    tags = {"status": "finished", "verdict": "healthy", "verdict_evidence": "val_loss fell\x1b[31m", "message": ""}
    ended = TrialEnded(0, "COMPLETE", {"best_val_accuracy": 0.25}, tags, [picture])
    tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2), ended])
    reader = read(home)
    assert curve(home) == [(1, 0.125), (2, 0.25)]
    assert curve(home, "best_val_accuracy") == [(2, 0.25)]
    texts = {tag: reader.Tensors(tag)[-1].tensor_proto.string_val[0] for tag in tags if tags[tag]}
    assert texts == {"status": b"finished", "verdict": b"healthy", "verdict_evidence": b"val_loss fell\\x1b[31m"}
    (image,) = reader.Images("confusion_matrix")
    assert (image.width, image.height, image.encoded_image_string) == (4, 3, picture.read_bytes())


def test_hyperparameters_stand_beside_their_metric(home: Home) -> None:
    """As the tab HPARAMS asks for them, of trials that do not have the same dimensions."""
    tell(home, [TrialStarted(0, PARAMS), *epochs(1), TrialEnded(0, "COMPLETE", {"best_val_accuracy": 0.125})])
    tell(home, [TrialStarted(1, {"optimizer.lr": 0.2}), Epoch(1, 1, {"val_accuracy": 0.5}), TrialEnded(1, "FAIL")])
    found = {
        session["name"]: (session["status"], session["hparams"], session["metrics"])
        for session in hparams(home.study("digits") / "tensorboard")
    }
    shown = {"optimizer.lr": 0.1, "model.name": "resnet", "augment.flip": True, "schedule.name": "None"}
    assert found["trial-0000"] == (
        "STATUS_SUCCESS",
        shown,
        {"best_val_accuracy": 0.125, "lr": 0.5, "val_accuracy": 0.125},
    )
    assert found["trial-0001"] == ("STATUS_FAILURE", {"optimizer.lr": 0.2}, {"val_accuracy": 0.5})


def hparams(folder: Path) -> list[dict[str, Any]]:
    """What the plugin's own backend says of `folder`."""
    from google.protobuf import json_format
    from tensorboard.backend.event_processing import data_provider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups

    multiplexer = EventMultiplexer().AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    provider = data_provider.MultiplexerDataProvider(multiplexer, str(folder))
    context = backend_context.Context(TBContext(data_provider=provider, logdir=str(folder)))
    request = api_pb2.ListSessionGroupsRequest(
        start_index=0, slice_size=100, include_metrics=True,
        allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE],
    )  # fmt: skip
    handler = list_session_groups.Handler(
        request_context=RequestContext(), backend_context=context, experiment_id="", request=request
    )
    groups = json_format.MessageToDict(handler.run(), preserving_proto_field_name=True)["session_groups"]
    return [
        {
            "name": group["sessions"][0]["name"],
            "status": group["sessions"][0]["status"],
            "hparams": group["hparams"],
            "metrics": {value["name"]["tag"]: value["value"] for value in group["metric_values"]},
        }
        for group in groups
    ]


def test_a_paused_trial_goes_on_in_its_folder_and_no_epoch_is_there_twice(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2)])
    tell(home, [TrialStarted(0, PARAMS), *epochs(2, 3), *epochs(3), TrialEnded(0, "COMPLETE")])
    assert curve(home) == [(1, 0.125), (2, 0.25), (3, 0.375)]
    assert len(list((home.study("digits") / "tensorboard" / "trial-0000").iterdir())) == 2


def test_a_trial_at_a_rung_says_so_until_it_is_promoted_or_ends(home: Home) -> None:
    def states(run: str) -> list[bytes]:
        return [event.tensor_proto.string_val[0] for event in read(home, run).Tensors("state")]

    paused = [TrialPaused(number, 1, {"last_val_accuracy": 0.25}) for number in (0, 1)]
    tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2), paused[0], TrialStarted(1, PARAMS), paused[1]])
    assert states("trial-0000") == states("trial-0001") == [b"paused at rung 1"]
    assert curve(home, "last_val_accuracy") == [(2, 0.25)]
    tell(home, [TrialStarted(0, PARAMS), *epochs(3), TrialEnded(1, "PRUNED")])
    assert states("trial-0000") == [b"paused at rung 1", b"RUNNING"]
    assert states("trial-0001") == [b"paused at rung 1", b"PRUNED"]
    assert curve(home) == [(1, 0.125), (2, 0.25), (3, 0.375)]


def test_what_is_noted_of_a_trial_is_a_text_of_its_run(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(1), TrialNoted(0, {"audit_epoch": 1}), TrialEnded(0, "COMPLETE")])
    (event,) = read(home, "trial-0000").Tensors("audit_epoch")
    assert event.tensor_proto.string_val == [b"1"]


def test_a_training_that_is_no_trial_has_a_folder_of_its_own(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(1)])
    tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2)], training="champion-trial-0")
    assert curve(home) == [(1, 0.125)]
    assert curve(home, run="champion-trial-0") == [(1, 0.125), (2, 0.25)]


def test_a_file_cut_off_anywhere_is_read_up_to_there_and_gone_on_with(home: Home) -> None:
    tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2)])
    (file,) = (home.study("digits") / "tensorboard" / "trial-0000").iterdir()
    whole = file.read_bytes()
    for kept in range(len(whole) - 100, len(whole), 7):
        for path in file.parent.iterdir():
            path.unlink()
        file.write_bytes(whole[:kept])
        tell(home, [TrialStarted(0, PARAMS), *epochs(1, 2, 3)])
        assert curve(home) == [(1, 0.125), (2, 0.25), (3, 0.375)]


_CHILD = """
import itertools, sys
from pathlib import Path
from hpo.studies.home import Home
from hpo.studies.tracking.events import Epoch, TrialStarted
from hpo.studies.tracking.tensorboard_tracker import TensorboardTracker
from hpo.studies.tracking.tracker_kinds import TrackedStudy

tracker = TensorboardTracker(TrackedStudy(Home(Path(sys.argv[1])), "digits", "none", print))
tracker.tell(TrialStarted(0, {"lr": 0.1}))
for epoch in itertools.count(1):
    tracker.tell(Epoch(0, epoch, {"val_accuracy": epoch / 8}))
    print(epoch, flush=True)
"""


@pytest.mark.usefixtures("warm")
def test_killed_at_any_time_what_was_told_is_there(home: Home) -> None:
    command = ["-c", _CHILD, str(home.root)]
    with Command(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        noted = [child.stdout.readline() for _ in range(50)]
        child.kill()
        noted += [line for line in child.stdout if line.endswith("\n")]
    last = int(noted[-1])
    assert curve(home)[:last] == [(epoch, epoch / 8) for epoch in range(1, last + 1)]
    tell(home, epochs(*range(1, last + 3)))
    found = [step for step, _ in curve(home)]
    assert found == list(range(1, last + 3))


def test_it_needs_no_tensorflow_and_no_torch() -> None:
    script = (
        "import sys, hpo.studies.tracking.tensorboard_summaries, tensorboard.summary.writer.event_file_writer\n"
        "print({'tensorflow', 'torch', 'pandas'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "set()\n"
