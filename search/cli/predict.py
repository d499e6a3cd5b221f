"""`hpo predict`: the predictions of a trained model for image files."""

import sys
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ...common.plural import plural
from ..commands.predict.options import PredictOptions
from ..progress.broken_pipe import silence
from .common import command, say

if TYPE_CHECKING:
    from ..commands.predict.files import Writer
    from ..progress.single import RetrainWatcher

_SOME_FAILED = 1  # exit code: the rest is written all the same
_SHOWN_EVERY = 64  # files between two moves of the bar


@command
def predict(
    options: PredictOptions,
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files, or folders of them.")],
    json: Annotated[bool, typer.Option("--json", help="One JSON object, a prediction a line.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="CSV, a column for the probability of each class.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write to this file: .csv, .json or .jsonl; nothing goes to standard output.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse files that lie outside of their folder.")] = False,
) -> None:
    """Predict the class of each image, with the probability of every class.

    Files are read as for training. One that cannot be read gets an error of its own; the exit code is then 1.
    """
    from ..progress.single import watcher

    name = _format(json, csv, out)
    with closing(watcher()) as view:
        files, failed = _predict(options, images, name, out, strict, view)
    target = f" -> {out}" if out else ""
    unread = f", {failed:,} of them could not be read" if failed else ""
    say(f"{plural(files, 'file')}{unread}{target}")
    if failed:
        raise typer.Exit(_SOME_FAILED)


def _report_outside(images: list[Path], strict: bool) -> None:
    """Say which files lie outside of their folder; refuse them under `strict`."""
    from ...training.data.sources.outside import outside_note, refuse_outside
    from ..commands.predict.predict import files_outside

    for folder, files in files_outside(images):
        if strict:
            refuse_outside(str(folder), files)
        say(outside_note(str(folder), files))


def _report_left_out(folder: Path, kind: str) -> None:
    say(f"{folder} is {kind}, and not looked into")


def _format(json: bool, csv: bool, out: Path | None) -> str | None:
    """The name of the output format; None for lines for a person."""
    from ...errors import SpaceError
    from ..commands.predict.files import format_of

    if json and csv:
        raise SpaceError("--json and --csv each say the format; give one of them")
    if out is not None:
        if json or csv:
            raise SpaceError(f"--out {out}: the ending of the file says the format; leave out --json and --csv")
        return format_of(out)
    return "json" if json else "csv" if csv else None


def _predict(
    options: PredictOptions,
    images: list[Path],
    name: str | None,
    out: Path | None,
    strict: bool,
    view: "RetrainWatcher",
) -> tuple[int, int]:
    """Write the predictions; return the number of files and of failures."""
    from ..commands.predict.files import WRITERS, LineWriter, replacing
    from ..commands.predict.predict import count_files, describe_model, predict

    trained, total = describe_model(options), count_files(images, _report_left_out)
    _report_outside(images, strict)
    stream = predict(options, images, view.note)  # what is wrong with the model is told before a file is begun
    output: AbstractContextManager[TextIO] = replacing(out) if out is not None else nullcontext(sys.stdout)
    with output as file:
        writer: Writer = (WRITERS.find(name) if name else LineWriter)(file, trained)
        files = failed = 0
        try:
            for prediction in stream:
                writer.write(prediction)
                files, failed = files + 1, failed + bool(prediction.error)
                if files % _SHOWN_EVERY == 0 or files == total:
                    view.stage("predict", files, total)
            writer.end(files, failed)
            file.flush()  # within the try, or a broken pipe would show as the file is closed
        except BrokenPipeError:  # whoever reads has seen enough, as in `hpo predict ... | head`
            silence(sys.stdout.fileno())
    return files, failed
