"""The `hpo` program: its commands, and the one place where errors become messages and exit codes.

Exit codes: 0 done, 1 the work failed, 2 the input is wrong, 130 interrupted.
"""

import sys

import typer

from ...errors import HpoError
from . import data, inspect, retrain, run, spaces, train, ui

app = typer.Typer(
    name="hpo",
    help="Hyperparameter search for PyTorch image classifiers.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run.run,
    train.train,
    retrain.retrain_best,
    data.data,
    inspect.show,
    inspect.studies,
    ui.ui,
    spaces.check,
    spaces.schema,
):
    app.command(no_args_is_help=False)(command)


def main() -> None:
    """Run the program and exit."""
    try:
        app(prog_name="hpo")
    except HpoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # `hpo show | head`
        sys.stderr.close()
        sys.exit(141)
