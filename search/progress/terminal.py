"""Terminal settings while a live view is shown.

A Ctrl-C must not paste `^C` into the view.
"""

import os
import sys
import termios
from contextlib import suppress


class QuietKeys:
    """Switches off the echo of control keys on standard input, until `close`.

    Where standard input is no terminal, nothing happens.
    """

    def __init__(self) -> None:
        self._before: int | None = None
        with suppress(OSError, ValueError, termios.error):  # closed, redirected, or not a terminal
            self._input = sys.stdin.fileno()
            self._before = termios.tcgetattr(self._input)[3] & termios.ECHOCTL  # [3]: the local modes
            self._echo(0)

    def close(self) -> None:
        """Restore the echo."""
        if self._before is not None:
            with suppress(OSError, termios.error):
                self._echo(self._before)

    def _echo(self, bit: int) -> None:
        # note: a process in the background that changes its terminal is stopped; the shell has set it up anew by then
        if os.tcgetpgrp(self._input) == os.getpgrp():
            modes = termios.tcgetattr(self._input)
            modes[3] = modes[3] & ~termios.ECHOCTL | bit
            termios.tcsetattr(self._input, termios.TCSANOW, modes)
