"""`hpo predict`: what a trained model says of image files."""

import sys
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from ..commands.predict.options import PredictOptions
from ..progress.broken_pipe import silence
from .common import command, say

if TYPE_CHECKING:
    from ..commands.predict.files import Writer
    from ..progress.single import RetrainWatcher

_SOME_FAILED = 1
_TOLD_EVERY = 64  # files between two moves of the bar


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
    """Say the class of each image, how sure the model is, and every probability.

    Files are read as for training. One that cannot be read gets an error of its own; the exit code is then 1.
    """
    from ..progress.single import watcher

    name = _format(json, csv, out)
    with closing(watcher()) as view:
        files, failed = _predict(options, images, name, out, strict, view)
    place = f" -> {out}" if out else ""
    say(f"{files:,} files, {failed:,} of them could not be read{place}" if failed else f"{files:,} files{place}")
    if failed:
        raise typer.Exit(_SOME_FAILED)


def _tell_outside(images: list[Path], strict: bool) -> None:
    """Say which files lie outside of their folder; refuse them under `strict`."""
    from ...training.data.sources.outside import outside_note, refuse_outside
    from ..commands.predict.predict import files_outside

    for folder, files in files_outside(images):
        if strict:
            refuse_outside(str(folder), files)
        say(outside_note(str(folder), files))


def _left_out(folder: Path, kind: str) -> None:
    say(f"{folder} is {kind}, and not looked into")


def _format(json: bool, csv: bool, out: Path | None) -> str | None:
    """The name of the format; None for lines that a person reads."""
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
    """How many files there were, and how many could not be read."""
    from ..commands.predict.files import WRITERS, LineWriter, replacing
    from ..commands.predict.predict import count_files, describe_model, predict

    known, total = describe_model(options), count_files(images, _left_out)
    _tell_outside(images, strict)
    stream = predict(options, images, view.note)  # what is wrong with the model is told before a file is begun
    place: AbstractContextManager[TextIO] = replacing(out) if out is not None else nullcontext(sys.stdout)
    with place as file:
        writer: Writer = (WRITERS.find(name) if name else LineWriter)(file, known)
        files = failed = 0
        try:
            for prediction in stream:
                writer.write(prediction)
                files, failed = files + 1, failed + bool(prediction.error)
                if files % _TOLD_EVERY == 0 or files == total:
                    view.stage("predict", files, total)
            writer.end(files, failed)
            file.flush()
        except BrokenPipeError:  # whoever reads has seen enough, as in `hpo predict ... | head`
            silence(sys.stdout.fileno())
    return files, failed
