"""Writers of predictions: lines, one JSON object, JSON Lines, or CSV."""

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
    """A writer for a stream of predictions.

    `end` gets the number of files, and of those that could not be read.
    """

    def write(self, prediction: "Prediction") -> None:
        """Write one prediction."""
        ...

    def end(self, files: int, failed: int) -> None:
        """Finish the output."""
        ...


WRITERS: Registry[Callable[[TextIO, Trained], Writer]] = Registry("file format", at="--out")
"""By the ending of a file, which `--json` and `--csv` name, too."""


class LineWriter:
    """Lines for a person: `path: class 97.1 %`."""

    def __init__(self, out: TextIO, trained: Trained) -> None:
        self._out = out

    def write(self, prediction: "Prediction") -> None:
        """Write one line."""
        answer = f"{prediction.class_name} {prediction.confidence:.1%}"
        text = f"error: {prediction.error}" if prediction.error else answer
        print(visible(f"{prediction.path}: {text}"), file=self._out)

    def end(self, files: int, failed: int) -> None:
        """Do nothing: the last line is whole."""


@WRITERS.register("jsonl")
class JsonLinesWriter:
    """JSON Lines: one JSON object a line."""

    def __init__(self, out: TextIO, trained: Trained) -> None:
        self._out, self._names = out, trained.class_names

    def write(self, prediction: "Prediction") -> None:
        """Write one line."""
        print(json_text(_as_json(prediction, self._names)), file=self._out)

    def end(self, files: int, failed: int) -> None:
        """Do nothing: the last line is whole."""


@WRITERS.register("json")
class JsonWriter:
    """One JSON object, its `predictions` one a line.

    It is whole only after `end`, and never in memory as a whole.
    """

    def __init__(self, out: TextIO, trained: Trained) -> None:
        self._out, self._names, self._between = out, trained.class_names, ""
        head = {"model": str(trained.path), "class_names": trained.class_names, "temperature": trained.temperature}
        # the object is left open; `end` closes it
        self._out.write(json_text(head).removesuffix("}") + ', "predictions": [\n')

    def write(self, prediction: "Prediction") -> None:
        """Write one line of the list."""
        self._out.write(self._between + json_text(_as_json(prediction, self._names)))
        self._between = ",\n"  # JSON has no comma after the last entry, and which is the last is not known here

    def end(self, files: int, failed: int) -> None:
        """Close the list and the object."""
        self._out.write(f'\n], "files": {files}, "failed": {failed}}}\n')


@WRITERS.register("csv")
class CsvWriter:
    """CSV rows of path, class, confidence, error and the class probabilities."""

    def __init__(self, out: TextIO, trained: Trained) -> None:
        self._rows = csv.writer(out, lineterminator="\n")  # csv's own is CR LF
        self._write(["path", "class", "confidence", "error", *(f"p({name})" for name in trained.class_names)])
        self._none = [""] * len(trained.class_names)  # for a file without an answer

    def write(self, prediction: "Prediction") -> None:
        """Write one row."""
        if prediction.error:
            self._write([prediction.path, "", "", prediction.error, *self._none])
        else:
            answer = [prediction.path, prediction.class_name, prediction.confidence, ""]
            self._write([*answer, *prediction.probabilities])

    def _write(self, row: Sequence[Any]) -> None:
        self._rows.writerow(map(cell, row))

    def end(self, files: int, failed: int) -> None:
        """Do nothing: the last line is whole."""


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
    """Yield a file that takes the place of `out` on success.

    Until then `out` is as it was.

    Raises:
        DataError: it cannot be written.
    """
    temporary = out.with_name(f".{out.name}.partial")  # beside it: a rename is atomic only within a file system
    try:
        with temporary.open("w", encoding="utf-8", newline="") as file:
            yield file
        temporary.replace(out)
    except OSError as error:
        raise DataError(f"--out {out}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)  # there only after a failure


def _as_json(prediction: "Prediction", names: tuple[str, ...]) -> dict[str, Any]:
    if prediction.error:
        return {"path": prediction.path, "error": prediction.error}
    return {
        "path": prediction.path,
        "class": prediction.class_name,
        "confidence": prediction.confidence,
        "probabilities": dict(zip(names, prediction.probabilities, strict=True)),
    }
