"""The records of TensorBoard's event files and their values.

Numbers, texts, pictures and hyperparameters. Imports TensorBoard (0.6 s, no TensorFlow).
"""
# pyright: reportAttributeAccessIssue=false
# (modules of protocol buffers get their names as they are imported)

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.text import metadata as text
from tensorboard.util.tensor_util import make_tensor_proto

from ...common.display import visible

Value = Any
"""A summary_pb2.Summary.Value."""

_RGB = 3  # the record has a field for the colours; readers decode the PNG itself


def beginning() -> bytes:
    """Return the record that a file begins with."""
    content: bytes = event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString()
    return content


def record(step: int, values: Iterable[Value]) -> bytes:
    """Return the record of `values` at `step`, stamped now."""
    summary = summary_pb2.Summary(value=list(values))
    content: bytes = event_pb2.Event(wall_time=time.time(), step=step, summary=summary).SerializeToString()
    return content


def scalars(metrics: Mapping[str, float]) -> Iterator[Value]:
    """Yield a point of the curve of each metric."""
    for key, value in metrics.items():
        yield summary_pb2.Summary.Value(tag=key, simple_value=value)


def texts(tags: Mapping[str, Any]) -> Iterator[Value]:
    """Yield each tag of a trial as a text, shown as Markdown."""
    about = text.create_summary_metadata(display_name="", description="")
    for key, value in tags.items():
        if value not in ("", None):
            content = make_tensor_proto([visible(str(value)).encode()])
            yield summary_pb2.Summary.Value(tag=key, metadata=about, tensor=content)


def picture(path: Path) -> Value:
    """Return the PNG at `path`, under the name of the file."""
    with Image.open(path) as opened:
        width, height = opened.size
    content = summary_pb2.Summary.Image(
        height=height, width=width, colorspace=_RGB, encoded_image_string=path.read_bytes()
    )
    return summary_pb2.Summary.Value(tag=path.stem, image=content)


def hyperparameters(params: Mapping[str, Any], run: str) -> Value:
    """Return the hyperparameters of the trial `run` for the tab HPARAMS.

    It knows numbers, booleans and texts; all else becomes text.
    """
    plain = {key: value if isinstance(value, bool | int | float) else str(value) for key, value in params.items()}
    (value,) = hparams_pb(plain, trial_id=run).value
    return value


def ending(*, failed: bool) -> Value:
    """Return the end of a trial for the tab HPARAMS."""
    status = api_pb2.STATUS_FAILURE if failed else api_pb2.STATUS_SUCCESS
    ended = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
    about = hparams.create_summary_metadata(plugin_data_pb2.HParamsPluginData(session_end_info=ended))
    return summary_pb2.Summary.Value(tag=hparams.SESSION_END_INFO_TAG, metadata=about, tensor=hparams.NULL_TENSOR)
