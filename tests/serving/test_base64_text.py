"""Base64 as programs write it: HTTP and the model in MLflow's registry take the same and refuse the same."""

import base64
import contextlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hpo.errors import DataError
from hpo.serving.base64_text import from_base64
from hpo.serving.bodies import image_files
from hpo.serving.mlflow_model import ImageModel, _load_pyfunc
from hpo.serving.problems import RefusedError

from .conftest import png

FILE = (
    png(200) + b"\xfb\xff\xfe"
)  # the end is - and _ in one alphabet, + and / in the other; the length is not of threes
WRITTEN: dict[str, Callable[[bytes], str]] = {
    "plain": lambda content: base64.b64encode(content).decode(),
    "in lines of 76, as MIME and the shell's base64": lambda content: base64.encodebytes(content).decode(),
    "in lines that end as on Windows": lambda content: base64.encodebytes(content).decode().replace("\n", "\r\n"),
    "indented": lambda content: "  " + base64.encodebytes(content).decode().replace("\n", "\n\t"),
    "a data: URL": lambda content: "data:image/png;base64," + base64.b64encode(content).decode(),
    "a data: URL with parameters": lambda content: (
        "DATA:image/png;name=a.png;Base64," + base64.b64encode(content).decode()
    ),
    "URL-safe": lambda content: base64.urlsafe_b64encode(content).decode(),
    "URL-safe without padding": lambda content: base64.urlsafe_b64encode(content).decode().rstrip("="),
    "without padding": lambda content: base64.b64encode(content).decode().rstrip("="),
}
REFUSED = {
    "?": "is not base64: ",
    "aGVsb": "is not base64: ",  # five characters are no whole number of bytes
    "aGVsbG8==": "is not base64: ",
    "aGVs=bG8": "is not base64: ",
    "aGVsbG8=aGVsbG8=": "is not base64: ",
    "ab+_": "is not base64: ",
    "aGVs%3D": "is not base64: ",
    "aGVsbG\N{FULLWIDTH DIGIT EIGHT}": "is not base64: it holds '\N{FULLWIDTH DIGIT EIGHT}'",
    "data:image/png,aGVsbG8=": "is a data: URL that is not base64; it must begin as data:image/png;base64,",
    "data:image/png;base64": "is a data: URL",
    "https://example.org/a.png": "is not base64: ",
}


@pytest.fixture
def model(export: Path) -> ImageModel:
    return _load_pyfunc(str(export))


@pytest.mark.parametrize("write", WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("end", [0, 1, 2, 3])
def test_every_way_of_writing_it_is_read_by_both(write: Callable[[bytes], str], end: int, model: ImageModel) -> None:
    content = FILE[: len(FILE) - end]
    assert from_base64(write(content)) == content
    assert image_files("application/json", json.dumps({"images": [write(content)]}).encode()) == [content]
    answers = model.predict({"image": np.array([write(content), content], dtype=object)})
    assert answers[0] == answers[1]


@pytest.mark.parametrize(("text", "reason"), REFUSED.items())
def test_nothing_else_is_passed_over_by_either(text: str, reason: str, model: ImageModel) -> None:
    with pytest.raises(RefusedError) as refused:
        image_files("application/json", json.dumps({"images": ["", text]}).encode())
    assert str(refused.value).startswith(f"images[1]: {reason}")
    with pytest.raises(DataError) as error:
        model.predict({"image": np.array([png(0), text], dtype=object)})
    assert str(error.value).startswith(f"image 2 of 2: {reason}")


@pytest.mark.parametrize("text", [" a" * 2_000_000, "\n" * 4_000_000, "-_" * 2_000_000, "data:" * 800_000])
def test_hostile_text_takes_no_more_than_a_few_copies_of_itself(text: str) -> None:
    tracemalloc.start()
    with contextlib.suppress(ValueError):
        from_base64(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * len(text)
