"""`python -m hpo.serving DIR`: the server where only its own few packages are installed."""

import argparse
import os
import sys
from pathlib import Path

from ..errors import HpoError
from .options import LOOPBACK, PORT, Folder, ServeOptions, read_token
from .prediction import Forgetful
from .workers import run


def main() -> None:
    """Run the server and exit."""
    given = _parser().parse_args()
    try:
        run(_options(given), Forgetful, lambda text: print(text, file=sys.stderr, flush=True))
    except HpoError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hpo.serving", description=__doc__)
    parser.add_argument("folder", type=Path, help="the export folder of hpo retrain-best")
    parser.add_argument("--host", default=LOOPBACK, help="where to listen; others than loopback need a token")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--workers", type=int, default=1, help="server processes")
    parser.add_argument("--token-file", type=Path, help="a file with the token that requests must bring")
    parser.add_argument("--allow-host", action="append", default=[], help="a further name of this machine")
    return parser


def _options(given: argparse.Namespace) -> ServeOptions:
    return ServeOptions(
        champion=Folder(given.folder),
        host=given.host,
        port=given.port,
        workers=given.workers,
        threads=max(1, len(os.sched_getaffinity(0)) // given.workers),
        token=read_token(given.token_file) if given.token_file else None,
        allowed_hosts=tuple(given.allow_host),
    )


if __name__ == "__main__":
    main()
