"""The digest of an ONNX graph: the same for what computes the same, whatever the weights and names."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hpo.training.export.onnx_graph import graph_digest
from onnx import TensorProto, helper, numpy_helper


def written(
    path: Path,
    *,
    names: Sequence[str] = ("x", "w", "h", "y"),
    width: int = 3,
    activation: str = "Relu",
    alpha: float | None = None,
    shape: Sequence[int] = (-1, 3),
    weight: float = 1.0,
    batch: str | int = "n",
    metadata: str = "",
) -> str:
    """Write a layer with an activation and a reshape; return its digest."""
    x, w, h, y = names
    settings: dict[str, Any] = {} if alpha is None else {"alpha": alpha}
    nodes = [
        helper.make_node("MatMul", [x, w], [h]),
        helper.make_node(activation, [h], ["a"], **settings),
        helper.make_node("Reshape", ["a", "s"], [y]),
    ]
    weights = numpy_helper.from_array(np.full((4, width), weight, dtype=np.float32), w)
    target = numpy_helper.from_array(np.array(shape, dtype=np.int64), "s")
    inputs = [helper.make_tensor_value_info(x, TensorProto.FLOAT, [batch, 4])]
    outputs = [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, [weights, target]))
    model.metadata_props.add(key="settings", value=metadata)
    onnx.save(model, path)
    return graph_digest(path)


def test_weights_names_and_metadata_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    first = written(file)
    assert len(first) == 24
    assert written(file, weight=7.0) == first
    assert written(file, names=("in", "kernel", "hidden", "out")) == first
    assert written(file, metadata="dropout=0.1") == first


@pytest.mark.parametrize(
    "changed",
    [{"width": 5}, {"activation": "Tanh"}, {"activation": "Elu"}, {"shape": (1, -1)}, {"batch": 1}],
    ids=["shape", "operator", "another operator", "integers", "input"],
)
def test_what_decides_the_speed_counts(tmp_path: Path, changed: dict[str, Any]) -> None:
    assert written(tmp_path / "a.onnx") != written(tmp_path / "b.onnx", **changed)


def test_settings_of_operators_count(tmp_path: Path) -> None:
    digests = [written(tmp_path / "model.onnx", activation="Elu", alpha=alpha) for alpha in (1.0, 0.5, 1.0)]
    assert digests[0] == digests[2] != digests[1]


def test_what_an_operator_is_applied_to_counts(tmp_path: Path) -> None:
    """A minus b is not b minus a."""
    digests = set()
    for order in (["a", "b"], ["b", "a"]):
        inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("a", "b")]
        outputs = [helper.make_tensor_value_info("c", TensorProto.FLOAT, [2])]
        graph = helper.make_graph([helper.make_node("Sub", order, ["c"])], "g", inputs, outputs)
        onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
        digests.add(graph_digest(tmp_path / "model.onnx"))
    assert len(digests) == 2
