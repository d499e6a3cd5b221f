"""A trial run of a model in a limited process.

It comes before the model is run where clients are answered.

A model of a few bytes can ask for any amount of memory, or never end. What it asks for may depend on the images: this
finds what it does with images of noise.
"""

import json
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from ..common.children import start_python
from ..errors import ServeError
from .export_folder import MODEL, Export, read_export
from .model import Model, Speed

TIME_S = 60.0  # enough to load gigabytes from a slow disk; meanwhile the version in service goes on
_ASKED = re.compile(r"requested buffer of size (\d+)")  # ONNX Runtime's words where the system gives it no memory


class Limits(NamedTuple):
    """The limits on a model: threads, images at once, MiB of memory.

    `threads` for ONNX Runtime, at most `max_batch` images at once, in `memory_mb` MiB.
    """

    threads: int
    max_batch: int
    memory_mb: int


class _Tried(NamedTuple):
    """The key of a trial run: all that decides its outcome."""

    sha256: str
    classes: int
    shape: tuple[int, int]
    limits: Limits


_speeds: dict[_Tried, Speed] = {}


def try_out(export: Export, limits: Limits) -> Speed:
    """Return the speed of the model of `export`.

    One that was tried before, as when an alias is moved back, is not run again.

    Raises:
        ServeError: it cannot be loaded or run, its answers do not fit its manifest, it takes more than `memory_mb`,
            or more than a minute.
    """
    manifest = export.manifest
    preprocessing = manifest.preprocessing
    shape = preprocessing.channels, preprocessing.image_size
    tried = _Tried(manifest.files[MODEL].sha256, len(manifest.class_names), shape, limits)
    if tried not in _speeds:
        _speeds[tried] = _speed(export.folder, tried)
    return _speeds[tried]


def _speed(folder: Path, tried: _Tried) -> Speed:
    outcome = _outcome_of(folder, tried.limits)
    if "error" in outcome:
        raise ServeError(outcome["error"])
    if outcome["sha256"] != tried.sha256:
        raise ServeError(f"{folder}: was replaced while it was read")
    return Speed(outcome["batch"], outcome["image_s"])


def _outcome_of(folder: Path, limits: Limits) -> dict[str, Any]:
    pipe = subprocess.PIPE
    with start_python(__name__, str(folder), *map(str, limits), stdout=pipe, stderr=pipe) as child:
        try:
            answer, errors = child.communicate(timeout=TIME_S)
        except subprocess.TimeoutExpired as error:
            child.kill()
            raise ServeError(f"{folder}: the model did not answer images of noise within {TIME_S:g} s") from error
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise ServeError(f"{folder}: the model ended the process that tried it, by {name}; {_law(limits)}")
    if child.returncode:
        raise ServeError(f"{folder}: the model cannot be tried: {errors.decode(errors='replace')[-200:]!r}")
    outcome: dict[str, Any] = json.loads(answer)
    return outcome


def _law(limits: Limits) -> str:
    return f"it may take {limits.memory_mb} MiB of memory, see --max-model-mb"


def main(folder: str, *numbers: str) -> None:
    """Try the model in `folder` within limits; print the outcome as JSON."""
    limits = Limits(*map(int, numbers))
    _set_limits(limits)
    try:
        export = read_export(Path(folder))
        model = Model.load(export, threads=limits.threads, max_batch=limits.max_batch)
        outcome = {"sha256": export.manifest.files[MODEL].sha256, **model.speed._asdict()}
    except ServeError as error:
        request = _ASKED.search(str(error.__cause__))
        needs = request and f"{folder}: the model asks for {int(request[1]) >> 20} MiB at once; {_law(limits)}"
        outcome = {"error": needs or str(error)}
    except MemoryError:
        outcome = {"error": f"{folder}: the model does not fit; {_law(limits)}"}
    print(json.dumps(outcome))


def _set_limits(limits: Limits) -> None:
    """Limit the data memory and CPU time of this process.

    Memory beyond what it has.
    """
    lines = Path("/proc/self/status").read_text().splitlines() if sys.platform == "linux" else []
    data_kb = sum(int(line.split()[1]) for line in lines if line.startswith("VmData"))
    most = data_kb * 2**10 + limits.memory_mb * 2**20
    # note: not RLIMIT_AS: the address space that the C library reserves for each thread is no memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    seconds = int(TIME_S * limits.threads) + 1  # of all threads, should nobody be left to end this
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(*sys.argv[1:])
