"""A model that asks for too much, or never ends, is found out before it is served."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hpo.errors import ServeError
from hpo.serving import tryout
from hpo.serving.export_folder import read_export
from hpo.serving.model import Model
from hpo.serving.tryout import Limits, try_out
from onnx import ModelProto, TensorProto, helper, numpy_helper

from .conftest import Running, png, until, write_export

Serving = Callable[..., Running]
LIMITS = Limits(threads=1, max_batch=2, memory_mb=256)


def with_nodes(folder: Path, nodes: list[Any], constants: dict[str, Any], version: str = "bad") -> Path:
    """The export in `folder`, whose logits `nodes` make from `x`, a float per pixel; returns the folder."""
    model = ModelProto.FromString((folder / "model.onnx").read_bytes())
    del model.graph.node[:]
    ends = [numpy_helper.from_array(np.array([place]), f"end{place}") for place in (0, 1, 3)]
    model.graph.initializer.extend(ends)
    model.graph.initializer.extend(numpy_helper.from_array(np.array(value), key) for key, value in constants.items())
    cut = helper.make_node("Slice", ["flat", "end0", "end3", "end1"], ["three"])
    model.graph.node.extend(
        [
            helper.make_node("Cast", ["images"], ["x"], to=TensorProto.FLOAT),
            helper.make_node("Flatten", ["x"], ["flat"]),
            cut,
            *nodes,
            helper.make_node("Add", ["three", "more"], ["logits"]),
        ]
    )
    content = model.SerializeToString()
    manifest = json.loads((folder / "manifest.json").read_text()) | {"model_version": version}
    manifest["files"]["model.onnx"]["sha256"] = hashlib.sha256(content).hexdigest()
    (folder / "model.onnx").write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def hungry(folder: Path, mib: int) -> Path:
    """A model of a few hundred bytes that asks for so much when it is run."""
    nodes = [
        helper.make_node("ReduceMin", ["x"], ["low"], keepdims=1),
        helper.make_node("Expand", ["low", "size"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["more"], keepdims=0),
    ]
    return with_nodes(folder, nodes, {"size": [mib * 2**18, 1, 1, 1]})


def endless(folder: Path) -> Path:
    """A model that never ends."""
    turn = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Sin", ["v"], ["w"])]
    kinds = (("i", TensorProto.INT64), ("go", TensorProto.BOOL), ("v", TensorProto.FLOAT))
    inputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in kinds]
    outputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in (("on", kinds[1][1]), ("w", 1))]
    loop = helper.make_node("Loop", ["", "yes", "low"], ["more"], body=helper.make_graph(turn, "turn", inputs, outputs))
    return with_nodes(folder, [helper.make_node("ReduceMin", ["x"], ["low"], keepdims=0), loop], {"yes": True})


def test_a_model_that_asks_for_more_memory_than_it_may_is_told_what_it_asks_for(export: Path) -> None:
    with pytest.raises(ServeError) as told:
        try_out(read_export(hungry(export, 12 * 2**10)), LIMITS)
    assert str(told.value) == (
        f"{export}: the model asks for 12288 MiB at once; it may take 256 MiB of memory, see --max-model-mb"
    )


def test_one_that_asks_for_less_is_served(export: Path) -> None:
    assert try_out(read_export(hungry(export, 64)), LIMITS).batch >= 1


def test_a_model_that_never_ends_is_given_up(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "TIME_S", 2.0)
    with pytest.raises(ServeError, match="did not answer images of noise within 2 s"):
        try_out(read_export(endless(export)), LIMITS)


def test_a_model_is_loaded_as_it_was_tried_and_not_tried_twice(
    export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    speed = try_out(read_export(export), LIMITS)
    again = read_export(write_export(tmp_path / "again", version="v2"))
    monkeypatch.setattr(tryout.subprocess, "run", None)
    assert try_out(again, LIMITS) == speed
    model = Model.tried(again, speed, threads=1)
    assert model.speed == speed
    assert model.answer(np.zeros((3, 1, 8, 8), np.uint8)).logits.shape == (3, 3)


def test_a_new_version_that_asks_for_too_much_leaves_the_old_one_in_service(serving: Serving, export: Path) -> None:
    with serving(max_model_mb=256) as running, running.client() as client:
        hungry(export, 12 * 2**10)
        until(lambda: 'outcome="refused"' in client.get("metrics").text)
        answer = client.post("predict", content=png(255), headers={"Content-Type": "image/png"}).json()
    assert (answer["model_version"], answer["predictions"][0]["class"]) == ("v1", "bright")


def test_a_challenger_is_tried_as_well(serving: Serving, tmp_path: Path) -> None:
    from hpo.serving.options import Folder

    other = hungry(write_export(tmp_path / "other"), 12 * 2**10)
    with pytest.raises(ServeError, match="asks for 12288 MiB"), serving(challenger=Folder(other), shadow=True):
        pass
