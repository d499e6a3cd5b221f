"""`python -m hpo.serving DIR`: the server where only its own few packages are installed."""

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
    given = vars(_parser().parse_args())
    champion = Folder(given.pop("folder"))
    try:
        start(ServeFlags(**given), champion, lambda name: Folder(Path(name)), _say)
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
    for each in fields(ServeFlags):
        _add(parser, each)
    return parser


def _add(parser: argparse.ArgumentParser, flag: Field[Any]) -> None:
    """One field as a flag: set by its presence where it is a bool, repeated where it is a list."""
    declared, told = get_args(flag.type)
    kind = next(iter(get_args(declared)), declared)  # of an optional one, what it is where it is given
    how: dict[str, Any] = {"type": kind, "metavar": flag.name.upper()}
    if kind is bool:
        how = {"action": "store_true"}
    elif items := get_args(kind):
        how |= {"type": items[0], "action": "append"}
    if flag.default:
        told += f" [default: {flag.default}]"
    parser.add_argument(f"--{flag.name.replace('_', '-')}", default=flag.default, help=told, **how)


if __name__ == "__main__":
    main()
