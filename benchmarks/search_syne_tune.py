"""Syne Tune's schedulers on a table of curves, from an environment of their own that has the package."""

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hpo.spaces.parameter import Choice, Float, Parameter
from search_peers import Verdict
from search_spaces import space_of
from search_tables import CurveTable

# the Python of that environment, for processes of a pool as well
PYTHON = "SYNE_TUNE_PYTHON"

ANSWER = "answer: "  # what peer_syne_tune.py answers; other lines are what packages print
SCRIPT = Path(__file__).with_name("peer_syne_tune.py")
SEARCHES = {
    "syne_tune_bohb": ("bohb", "promotion"),
    "syne_tune_asha": ("asha", "promotion"),
    "syne_tune_asha_stopping": ("asha", "stopping"),
}
_VERDICTS = {"CONTINUE": Verdict.GO, "PAUSE": Verdict.PAUSE, "STOP": Verdict.STOP}


class SyneTunePeer:
    """One search; the other side does one at a time.

    Spaces there have no branches: what is proposed for those that a configuration does not take is left out.
    """

    def __init__(self, name: str, table: CurveTable, seed: int) -> None:
        self._space, self._rows = space_of(table), table.rows
        ranges = {parameter.key: _range(parameter) for parameter in self._space.parameters}
        _ask("search", *SEARCHES[name], ranges, table.epochs, seed)

    def begin(self, number: int) -> Mapping[str, Any] | int | None:
        """Return the parameters of a new trial, or the number of a paused one to resume."""
        begun = _ask("begin", number)
        if isinstance(begun, int | None):
            return begun
        if number == self._rows:
            return None
        return {parameter.key: begun[parameter.key] for parameter in self._space.active(begun)}

    def report(self, number: int, epoch: int, loss: float) -> Verdict:
        """Report an epoch."""
        return _VERDICTS[_ask("report", number, epoch, loss)]

    def complete(self, number: int, epoch: int, loss: float) -> None:
        """Report a trial's last epoch."""
        _ask("complete", number, epoch, loss)


@cache
def package() -> str:
    """Return the name and version of the package."""
    code = "from importlib.metadata import version; print('syne-tune', version('syne-tune'))"
    return subprocess.run([os.environ[PYTHON], "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _ask(*words: Any) -> Any:
    """Return the other side's answer."""
    process = _process(os.getpid())
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(words) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith(ANSWER):
            return json.loads(line.removeprefix(ANSWER))
    raise SystemExit(f"{os.environ[PYTHON]} {SCRIPT.name} has ended; `{os.environ[PYTHON]} {SCRIPT}` says why")


@cache
def _process(pid: int) -> "subprocess.Popen[str]":
    """Start the other side, of the process `pid`: a fork must not talk to that of its parent."""
    command = [os.environ[PYTHON], str(SCRIPT)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _range(parameter: Parameter) -> list[Any]:
    match parameter:
        case Choice(_, choices):
            return ["choice", *choices]
        case Float(_, low, high, log):
            return ["log" if log else "linear", low, high]
    raise TypeError(f"a table's space has no {parameter}")
