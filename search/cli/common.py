"""What every command shares: how it ends, and how it prints JSON."""

import functools
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from ...common.display import json_text, message, visible
from ...errors import SpaceError
from ..progress.broken_pipe import print_lasting
from . import complete

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
FORMATS = "executorch, onnx-fp16, onnx-int8, safetensors, torchscript"  # asking the registry takes a while
TRACKERS = "mlflow, none, tensorboard, wandb"

StudyArgument = Annotated[
    str | None,
    typer.Argument(metavar="[STUDY]", help="A study's name. Default: the newest.", autocompletion=complete.studies),
]
StudyOption = Annotated[str | None, typer.Option("--study", help="The same as STUDY.", autocompletion=complete.studies)]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a value or dimension. Repeatable.",
        autocompletion=complete.settings,
    ),
]
StorageOption = Annotated[str | None, typer.Option(help="An Optuna storage URL. Default: studies.db in the home.")]
HomeOption = Annotated[Path | None, typer.Option(help="Where all is kept. Default: $HPO_HOME, else ./runs.")]
DataRootOption = Annotated[Path | None, typer.Option(help="Where named data sets lie or are downloaded to.")]
DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(metavar="TRACKER", help=f"One of {TRACKERS}. Repeatable. Default: mlflow."),
]
TrackingOption = Annotated[
    str | None,
    typer.Option(help="An MLflow tracking URI, or none. Default: the study's, $MLFLOW_TRACKING_URI, the home's."),
]
SkipExportOption = Annotated[
    bool, typer.Option("--skip-export-check", help="Do not try beforehand whether the models can be exported.")
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Refuse files that lie outside of the data's folder. Short for data.strict.")
]
TrustOption = Annotated[
    bool,
    typer.Option("--trust", help="Run what others made, in this command: a model's file, an export's program."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def command(function: Callable[P, R]) -> Callable[P, R]:
    """A command that exits with 130 where Ctrl-C ends it; typer's own answer would be 1."""

    @functools.wraps(function)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            say("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    return guarded


def one_study(argument: str | None, option: str | None) -> str | None:
    """The study that STUDY or `--study` names, None where neither does.

    Raises:
        SpaceError: they name two.
    """
    if argument is not None and option is not None and argument != option:
        raise SpaceError(f"STUDY and --study must name the same study, got {argument!r} and {option!r}")
    return option if argument is None else argument


def say(text: str) -> None:
    """A line for a person: standard error, so that standard output stays clean for `--json`."""
    print(visible(text), file=sys.stderr, flush=True)


def tell(text: str) -> None:
    """A line of the result: standard output; on a terminal folded between words, elsewhere in one line."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 0
    lines = textwrap.wrap(visible(text), width, break_long_words=False, break_on_hyphens=False) if width else []
    print_lasting("\n".join(lines) or visible(text), sys.stdout)


def say_error(error: object) -> None:
    """What went wrong, in a few lines."""
    print(message(f"error: {error}"), file=sys.stderr, flush=True)


def print_json(value: dict[str, Any]) -> None:
    """One JSON object on standard output."""
    print(json_text(value))
