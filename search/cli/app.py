"""The `hpo` program: its commands, error messages and exit codes.

This is the one place where errors become messages and exit codes: 0 done, 1 the work failed, 2 the input is wrong, 130
interrupted.
"""

import atexit
import gc
import shlex
import sys
import traceback
from io import TextIOWrapper
from types import TracebackType
from typing import Annotated, NoReturn

import typer

from ...common.display import message
from ...common.faults import disk_fault
from ...errors import HpoError, TrustError
from . import (
    compare,
    data,
    diagnose,
    estimate,
    evaluate,
    export,
    extend,
    infer_check,
    inspect,
    models,
    monitor,
    plan,
    predict,
    replay,
    report,
    retrain,
    run,
    serve,
    slurm,
    spaces,
    suggest_space,
    train,
    transfer,
    ui,
)
from .common import say_error


def _print_version(requested: bool) -> None:
    """Print `hpo 0.1.0, Python 3.12.3, torch 2.14.1`, without importing them."""
    if requested:
        from ...studies.files import versions

        installed = versions()
        words = {"hpo": "hpo", "python": "Python", "torch": "torch"}
        print(", ".join(f"{words[name]} {installed[name]}" for name in words if name in installed))
        raise typer.Exit


app = typer.Typer(
    name="hpo",
    help="Hyperparameter search for PyTorch image classifiers.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # rich's would print local variables, and secrets with them
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the versions, and exit.")
    ] = False,
) -> None:
    """The options of `hpo` itself, before a command."""


for command in (
    run.run,
    plan.plan,
    extend.extend,
    estimate.estimate,
    train.train,
    diagnose.diagnose,
    retrain.retrain_best,
    replay.replay,
    export.export,
    infer_check.infer_check,
    evaluate.evaluate,
    predict.predict,
    serve.serve,
    monitor.monitor,
    data.data,
    models.models,
    inspect.show,
    report.report,
    compare.compare,
    inspect.studies,
    suggest_space.suggest_space,
    transfer.export_study,
    transfer.import_study,
    ui.ui,
    spaces.check,
    spaces.schema,
    slurm.slurm_script,
):
    app.command(no_args_is_help=False)(command)  # `hpo run` alone says what is missing


def run_program() -> NoReturn:
    """Run the command that was asked for and exit."""
    sys.excepthook = _show_bug
    atexit.register(end_soon)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: no name may end the work
    try:
        ended = app(prog_name="hpo", standalone_mode=False)
    except typer.TyperException as error:  # a command, flag or value that is not one
        _refuse_usage(error)
    except HpoError as error:
        say_error(error)
        if isinstance(error, TrustError):
            again = shlex.join(["hpo", *sys.argv[1:], "--trust"])
            print(message(f"  look at it first; to run it: {again}"), file=sys.stderr, flush=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if not (fault := disk_fault(error)):  # a full or broken disk is no bug of ours
            raise
        say_error(f"{fault}\n  mend that, then run the same command again")
        sys.exit(1)
    # typer.Exit of a command comes back as its code, with standalone_mode=False
    sys.exit(ended if isinstance(ended, int) else 0)


def end_soon() -> None:
    """Spare Python its last garbage collection, which takes up to a second.

    It would walk through all objects of all libraries. Not where Triton was loaded: from 3.9 on it prints whatever is
    not collected at the end as leaked.
    """
    if "triton" not in sys.modules:
        gc.freeze()  # what is frozen is collected no more


def _show_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback, made safe: it may quote anybody's text."""
    print(message("".join(traceback.format_exception(kind, error, trace)).rstrip()), file=sys.stderr)


def _refuse_usage(error: typer.TyperException) -> NoReturn:
    """Say what is wrong with the command line, in our form.

    Typer's takes six lines.
    """
    words = error.format_message().strip()
    if words:  # none where the help has just been shown: `hpo` alone
        say_error(f"{words}\n  --help lists what there is")
    sys.exit(error.exit_code)
