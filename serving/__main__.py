"""`python -m hpo.serving DIR`: the server with its own few packages."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    del sys.path[0]  # the working directory, which `-m` puts first: a folder there must not pass for a package

import argparse
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, get_args

from ..common.display import message, visible
from ..errors import HpoError
from .flags import ServeFlags
from .options import Folder
from .start import start


def main() -> None:
    """Run the server and exit."""
    values = vars(_parser().parse_args())
    champion = Folder(values.pop("folder"))
    try:
        start(ServeFlags(**values), champion, lambda name: Folder(Path(name)), _say)
    except HpoError as error:
        print(message(f"error: {error}"), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> None:
    print(visible(text), file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    name = "python -m hpo.serving"
    parser = argparse.ArgumentParser(name, f"{name} FOLDER [flags]", __doc__, allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="The export folder of hpo retrain-best.")
    for flag in fields(ServeFlags):
        _add(parser, flag)
    return parser


def _add(parser: argparse.ArgumentParser, flag: Field[Any]) -> None:
    """Add one field as a flag.

    Set by its presence where it is a bool, repeated where it is a list.
    """
    declared, help_text = get_args(flag.type)
    kind = next(iter(get_args(declared)), declared)  # of an optional one, what it is where it is given
    settings: dict[str, Any] = {"type": kind, "metavar": flag.name.upper()}
    if kind is bool:
        settings = {"action": "store_true"}
    elif items := get_args(kind):
        settings |= {"type": items[0], "action": "append"}
    if flag.default:
        help_text += f" [default: {flag.default}]"
    parser.add_argument(f"--{flag.name.replace('_', '-')}", default=flag.default, help=help_text, **settings)


if __name__ == "__main__":
    main()
