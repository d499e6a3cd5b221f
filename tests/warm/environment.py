"""The environment of the server and of a command: which variables they must share, and how the others are taken on."""

import os
import sys
from pathlib import Path

AT_LOAD = ("OMP_", "MKL_", "KMP_", "OPENBLAS_", "LD_", "MALLOC_", "PYTHON", "COVERAGE", "LC_", "LANG", "TORCH", "CUDA_")
"""Variables that a process reads once, as it starts or as a library is loaded."""

BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""One that Python reads as it starts, and that can be changed later."""


class Environment:
    """Which variables a command must share with the server, and what the imports set by themselves."""

    def __init__(self) -> None:
        self._before = dict(os.environ)
        self._path = sys.path[1:]  # without the folder of this script
        own = _entries(self._before)
        self._base = [entry for entry in self._path if entry not in own]

    def imported(self) -> None:
        """Note what the imports have changed."""
        self._set = {name: value for name, value in os.environ.items() if self._before.get(name) != value}
        self._files = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}

    def suits(self, wanted: dict[str, str], files: list[int]) -> bool:
        """Whether libraries that are loaded under `wanted` would be as they are here, or can be made so.

        `files` are the numbers that files of the command shall have.
        """
        if self._files & {*files}:
            return False
        names = {name for name in {*wanted, *self._before} if name.startswith(AT_LOAD)}
        names -= {"TORCHINDUCTOR_CACHE_DIR"}  # torch sets it as it compiles, and reads it then
        names -= {BYTECODE}
        if set(self._path) <= set(self.path(wanted)):
            names -= {"PYTHONPATH", "PYTHONSAFEPATH"}
        threads = wanted.get("OMP_NUM_THREADS", "")
        if threads.isdecimal() and wanted.get("MKL_NUM_THREADS", threads) == threads:
            names -= {"OMP_NUM_THREADS", "MKL_NUM_THREADS"}
        return all(wanted.get(name) in (self._before.get(name), self._set.get(name)) for name in names)

    def path(self, wanted: dict[str, str]) -> list[str]:
        """The import path of a process with these variables, without the folder of its script."""
        return list(dict.fromkeys([*_entries(wanted), *self._base]))

    def become(self, wanted: dict[str, str]) -> None:
        """Have `wanted` as the environment, and what the imports add to it."""
        os.environ.clear()
        os.environ.update(self._set | wanted)
        sys.path[:] = self.path(wanted)
        sys.dont_write_bytecode = bool(wanted.get(BYTECODE))
        threads = wanted.get("OMP_NUM_THREADS")
        if threads and threads != self._before.get("OMP_NUM_THREADS"):
            sys.modules["torch"].set_num_threads(int(threads))  # OpenMP and MKL have read the variables


def _entries(variables: dict[str, str]) -> list[str]:
    return [entry for entry in variables.get("PYTHONPATH", "").split(os.pathsep) if entry]
