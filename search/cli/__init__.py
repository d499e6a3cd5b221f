"""The command line: `hpo`.

Each command imports what it needs when it runs, so that `hpo --help` is instant.
"""

import sys


def main() -> None:
    """Run the program and exit.

    Ctrl-C ends it in one word from the first import on.
    """
    try:
        from .app import run_program

        run_program()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)  # 128 + SIGINT, as shells count; not common.INTERRUPTED, whose import may be what was interrupted
