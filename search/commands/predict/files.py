"""Predictions as text, one at a time: lines for a person, one JSON object, JSON Lines, or CSV."""

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from ....common.display import cell, json_text, visible
from ....common.registry import Registry
from ....errors import DataError, SpaceError, nearest
from ....training.trained.folder import Trained

if TYPE_CHECKING:
    from ....training.trained.predict import Prediction


class Writer(Protocol):
    """Writes a stream of predictions; `end` is told how many there were and how many files could not be read."""

    def write(self, prediction: "Prediction") -> None:
        """The next one."""
        ...

    def end(self, files: int, failed: int) -> None:
        """There will be no more."""
        ...


WRITERS: Registry[Callable[[TextIO, Trained], Writer]] = Registry("file format", at="--out")
"""By the ending of a file, which `--json` and `--csv` name, too."""


class LineWriter:
    """`path: class 97.1 %`, for a person."""

    def __init__(self, out: TextIO, known: Trained) -> None:
        self._out = out

    def write(self, prediction: "Prediction") -> None:
        """One line."""
        answer = f"{prediction.class_name} {prediction.confidence:.1%}"
        said = f"error: {prediction.error}" if prediction.error else answer
        print(visible(f"{prediction.path}: {said}"), file=self._out)

    def end(self, files: int, failed: int) -> None:
        """Nothing to close."""


@WRITERS.register("jsonl")
class JsonLinesWriter:
    """One JSON object a line."""

    def __init__(self, out: TextIO, known: Trained) -> None:
        self._out, self._names = out, known.class_names

    def write(self, prediction: "Prediction") -> None:
        """One line."""
        print(json_text(_as_json(prediction, self._names)), file=self._out)

    def end(self, files: int, failed: int) -> None:
        """Nothing to close."""


@WRITERS.register("json")
class JsonWriter:
    """One JSON object, its `predictions` one a line: whole only after `end`, and never in memory as a whole."""

    def __init__(self, out: TextIO, known: Trained) -> None:
        self._out, self._names, self._between = out, known.class_names, ""
        head = {"model": str(known.path), "class_names": known.class_names, "temperature": known.temperature}
        self._out.write(json_text(head).removesuffix("}") + ', "predictions": [\n')

    def write(self, prediction: "Prediction") -> None:
        """One line of the list."""
        self._out.write(self._between + json_text(_as_json(prediction, self._names)))
        self._between = ",\n"

    def end(self, files: int, failed: int) -> None:
        """Close the list and the object."""
        self._out.write(f'\n], "files": {files}, "failed": {failed}}}\n')


@WRITERS.register("csv")
class CsvWriter:
    """A row per file: path, class, confidence, error, and a probability for each class."""

    def __init__(self, out: TextIO, known: Trained) -> None:
        self._rows = csv.writer(out, lineterminator="\n")
        self._write(["path", "class", "confidence", "error", *(f"p({name})" for name in known.class_names)])
        self._none = [""] * len(known.class_names)

    def write(self, prediction: "Prediction") -> None:
        """One row."""
        if prediction.error:
            self._write([prediction.path, "", "", prediction.error, *self._none])
        else:
            answer = [prediction.path, prediction.class_name, prediction.confidence, ""]
            self._write([*answer, *prediction.probabilities])

    def _write(self, row: Sequence[Any]) -> None:
        self._rows.writerow(map(cell, row))

    def end(self, files: int, failed: int) -> None:
        """Nothing to close."""


def format_of(out: Path) -> str:
    """The format that the ending of `out` names.

    Raises:
        SpaceError: it names none.
    """
    ending = out.suffix.lower().removeprefix(".")
    if ending not in WRITERS:
        raise SpaceError(f"--out {out}: its ending says the format and must be one; {nearest(ending, WRITERS)}")
    return ending


@contextmanager
def replacing(out: Path) -> Iterator[TextIO]:
    """A file to write to that takes the place of `out` when all went well; until then `out` is as it was.

    Raises:
        DataError: it cannot be written.
    """
    temporary = out.with_name(f".{out.name}.partial")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(out)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _as_json(prediction: "Prediction", names: tuple[str, ...]) -> dict[str, Any]:
    if prediction.error:
        return {"path": prediction.path, "error": prediction.error}
    return {
        "path": prediction.path,
        "class": prediction.class_name,
        "confidence": prediction.confidence,
        "probabilities": dict(zip(names, prediction.probabilities, strict=True)),
    }
