"""What Python does with its command line, for a process in which Python has started already."""

import os
import runpy
import sys
from pathlib import Path
from types import ModuleType


def interpret(what: str, *arguments: str) -> None:
    """Run `-m` and a module, `-c` and code, or a script, with the arguments that follow."""
    if what == "-m":
        sys.argv = [*arguments]
        sys.modules.pop(arguments[0], None)  # run as `__main__`, though it was imported
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    elif what == "-c":
        sys.argv = [what, *arguments[1:]]
        _look_first_in("")
        sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(arguments[0], "<string>", "exec"), vars(sys.modules["__main__"]))
    else:
        sys.argv = [what, *arguments]
        _look_first_in(str(Path(what).parent))
        runpy.run_path(what, run_name="__main__")


def _look_first_in(folder: str) -> None:
    if "PYTHONSAFEPATH" not in os.environ:
        sys.path.insert(0, folder)
