"""Models whose weights lie in other files are refused, wherever a tensor can stand, before any runtime reads them."""

import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hpo.common.onnx_weights import check_own_weights, read_onnx
from hpo.errors import ExportError
from hpo.training.export.formats.onnx import onnx_runtime
from hypothesis import given
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, SparseTensorProto, TensorProto, helper

SECRET = np.arange(4, dtype=np.float32)


def tensor(location: str | None) -> TensorProto:
    """Four weights: in the file at `location`, or in the model."""
    if location is None:
        return helper.make_tensor("w", TensorProto.FLOAT, [4], SECRET.tobytes(), raw=True)
    made = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value=location)
    return made


def graph(weights: TensorProto) -> GraphProto:
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy")
    return helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [weights])


def model(weights: TensorProto) -> ModelProto:
    return helper.make_model(graph(weights), ir_version=8, opset_imports=[helper.make_opsetid("", 17)])


def with_attribute(weights: TensorProto, kind: str) -> ModelProto:
    """A model that holds `weights` in an attribute of a node."""
    made = model(tensor(None))
    attribute = made.graph.node.add(op_type="Constant", output=["c"]).attribute.add(name="value")
    sparse = SparseTensorProto(values=weights)
    held = {"t": weights, "g": graph(weights), "tensors": weights, "graphs": graph(weights)}.get(kind, sparse)
    if kind.endswith("s"):
        getattr(attribute, kind).append(held)
    else:
        getattr(attribute, kind).CopyFrom(held)
    return made


def elsewhere(weights: TensorProto) -> dict[str, ModelProto]:
    """`weights` wherever a model can hold a tensor."""
    kinds = ("t", "g", "sparse_tensor", "tensors", "graphs", "sparse_tensors")
    found = {f"attribute.{kind}": with_attribute(weights, kind) for kind in kinds} | {"initializer": model(weights)}
    for name in ("sparse_initializer", "functions", "training_info", "default"):
        found[name] = model(tensor(None))
    found["sparse_initializer"].graph.sparse_initializer.add().indices.CopyFrom(weights)
    node = found["functions"].functions.add(name="f", domain="d").node.add(op_type="Constant")
    node.attribute.add(name="value", type=AttributeProto.TENSOR).t.CopyFrom(weights)
    found["default"].functions.add().attribute_proto.add().t.CopyFrom(weights)
    found["training_info"].training_info.add().algorithm.initializer.append(weights)
    return found


@pytest.mark.parametrize("place", elsewhere(tensor(None)))
def test_weights_in_another_file_are_refused_wherever_they_stand(place: str) -> None:
    check_own_weights(elsewhere(tensor(None))[place].SerializeToString())
    for weights in (tensor("w.bin"), tensor("w.bin")):
        with pytest.raises(ExportError, match="names another file"):
            check_own_weights(elsewhere(weights)[place].SerializeToString())
        weights.ClearField("data_location")  # some readers go by the entries alone


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of four numbers outside the model's folder, with links to it inside."""
    path, folder = tmp_path / "secret.bin", tmp_path / "model"
    path.write_bytes(SECRET.tobytes())
    folder.mkdir()
    (folder / "inside.bin").write_bytes(SECRET.tobytes())
    (folder / "symlink.bin").symlink_to(path)
    os.link(path, folder / "hardlink.bin")
    return path


@pytest.mark.parametrize("location", ["{}", "../secret.bin", "symlink.bin", "hardlink.bin", "inside.bin"])
def test_no_other_file_is_read_through_a_model(secret: Path, location: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = secret.parent / "model" / "model.onnx"
    monkeypatch.chdir(path.parent)
    path.write_bytes(model(tensor(location.format(secret))).SerializeToString())
    with pytest.raises(ExportError, match=r"model\.onnx: the model's weights must lie in the ONNX file itself"):
        onnx_runtime(path)
    if location not in ("hardlink.bin", "inside.bin"):  # and the oldest runtime that we allow refuses by itself
        with pytest.raises(Exception, match=r"(?i)external"):
            onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    with pytest.raises(Exception, match=r"(?i)external|model"):
        onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])


def test_a_model_with_its_own_weights_runs(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(model(tensor(None)), path)
    session = onnxruntime.InferenceSession(read_onnx(path), providers=["CPUExecutionProvider"])
    np.testing.assert_array_equal(session.run(None, {"x": np.ones(4, np.float32)})[0], SECRET + 1)


def test_what_cannot_be_read_is_refused_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with pytest.raises(ExportError, match=r"model\.onnx: must be a file"):
        read_onnx(path)
    os.mkfifo(path)
    with pytest.raises(ExportError, match=r"model\.onnx: must be a file"):
        read_onnx(path)
    path.unlink()
    path.write_bytes(model(tensor(None)).SerializeToString()[:-3])
    with pytest.raises(ExportError, match=r"model\.onnx: this is no ONNX model: it ends in the middle of a field"):
        read_onnx(path)
    path.write_bytes(b"")
    with path.open("r+b") as file:
        file.truncate(3 * 2**30)
    with pytest.raises(ExportError, match="at most 2 GiB"):
        read_onnx(path)


@given(st.binary(max_size=200))
def test_no_bytes_break_it(content: bytes) -> None:
    with suppress(ExportError):
        check_own_weights(content)


@given(st.binary(max_size=40), st.integers(0, 400), st.integers(0, 40))
def test_what_it_passes_names_no_file_for_onnx_either(noise: bytes, at: int, cut: int) -> None:
    content = model(tensor("w.bin")).SerializeToString()
    content = content[:at] + noise + content[at + cut :]
    try:
        check_own_weights(content)
        read = onnx.load_model_from_string(content)
    except Exception:  # refused by us, or no model for protobuf
        return
    assert not any(weights.external_data for weights in read.graph.initializer)
