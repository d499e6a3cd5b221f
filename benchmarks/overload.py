"""Overload: several times as many requests as `hpo serve` can answer.

The server has one core and its clients another. The load it can bear is what 64 clients get who each wait for their
answer; then several times as much is sent whether answers come or not, on 512 connections. Beside it stands what no
server could surpass on this machine: a C program that does nothing but refuse tells what of the core refusals leave,
and the model alone tells what an answer costs in the largest batch that is over in time.

    python benchmarks/overload.py
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import onnxruntime
from exports import make_export
from harness import Figure, Target, arguments, figure, finish, free_port
from http_requests import SIZE, form
from load import open_loop, percentile_ms
from servers import OURS, Measured, cpu_seconds, measure, pinned, running, wait_for

MODELS = {"small": 16, "larger": 96}  # channels of the first layer: 0.1 and 3 ms per image
TIMES = (1.5, 3.0, 10.0)  # by the peak
REST_S = 2.0  # until a server knows that an overload is over
SLOWER = 3.0  # answers may take so many times as long as without load
BATCHES = (1, 2, 4, 8, 16, 32)  # those that a server tries, up to --max-batch


@dataclass(frozen=True)
class Overload:
    """One run with more requests than can be answered.

    Once that has lasted; rates are per second.
    """

    peak: float
    sent: float
    good: float
    unloaded_p99_ms: float
    p50_ms: float
    p99_ms: float
    refused_p99_ms: float
    other: int  # neither answered nor refused

    @property
    def kept(self) -> float:
        """Return the share of the peak's answers that is kept."""
        return self.good / self.peak

    @property
    def slower(self) -> float:
        """Return the p99 by that without load."""
        return self.p99_ms / self.unloaded_p99_ms


@dataclass(frozen=True)
class Limits:
    """The limits of any server on this machine.

    ms of CPU that a refusal costs, and of the model by batch.
    """

    refusal_ms: float | None  # None where there is no C compiler
    batch_ms: Mapping[int, float]

    def most(self, run: Overload) -> float | None:
        """Return the largest share of its peak that a server could keep.

        In `run`, with answers that come in time.
        """
        if self.refusal_ms is None:
            return None
        # the share of the core that refusals leave; then the peak's answers, in the best batch that is over in time
        core_left = 1 - (run.sent - run.peak) * self.refusal_ms / 1000
        image_ms = {size: ms / size for size, ms in self.batch_ms.items()}
        in_time = [image_ms[size] for size, ms in self.batch_ms.items() if ms <= SLOWER * run.unloaded_p99_ms]
        at_peak = 1000 / run.peak
        return core_left * at_peak / (at_peak + min(in_time, default=image_ms[1]) - min(image_ms.values()))


def overload(port: int, server: "subprocess.Popen[bytes]", times: float, options: argparse.Namespace) -> Overload:
    """Measure without load, at the peak, and with several times as much."""
    content = form(port)
    unloaded: Measured = measure(port, server, content, 1, options.seconds)
    peak = measure(port, server, content, 64, options.seconds).per_second
    replies = open_loop(port, content, times * peak, options.seconds + options.lead)
    begin = min(reply.asked for reply in replies) + options.lead
    replies = [reply for reply in replies if reply.asked > begin]
    good = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 503]
    return Overload(
        peak,
        len(replies) / options.seconds,
        len(good) / options.seconds,
        unloaded.p99_ms,
        percentile_ms(good, 50),
        percentile_ms(good, 99),
        percentile_ms(refused, 99) if refused else 0.0,
        len(replies) - len(good) - len(refused),
    )


def limits(folder: Path, rate: float, core: int, seconds: float, batches: int) -> Limits:
    """Measure the limits on the server's core."""
    return Limits(refusal_ms(folder, rate, core, seconds), batch_ms(folder / "export" / "model.onnx", core, batches))


def refusal_ms(folder: Path, rate: float, core: int, seconds: float) -> float | None:
    """Measure CPU per request of refuser.c at so many a second."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    program, port = folder / "refuser", free_port()
    subprocess.run([compiler, "-O2", str(Path(__file__).with_name("refuser.c")), "-o", str(program)], check=True)
    with pinned({core}):
        refuser = subprocess.Popen([str(program), str(port)])
    try:
        wait_for(port, refuser)
        before = cpu_seconds(refuser.pid)
        replies = open_loop(port, form(port), rate, seconds)
        return (cpu_seconds(refuser.pid) - before) / len(replies) * 1000
    finally:
        refuser.kill()
        refuser.wait()


def batch_ms(model: Path, core: int, batches: int) -> dict[int, float]:
    """Measure ONNX Runtime alone with one thread on `core`, by batch."""
    with pinned({core}):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return {size: median(_times_ms(session, size, batches)) for size in BATCHES}


def _times_ms(session: onnxruntime.InferenceSession, size: int, batches: int) -> Iterator[float]:
    images = np.random.default_rng(0).integers(0, 256, (size, 3, SIZE, SIZE), np.uint8)
    for _ in range(batches):
        start = time.perf_counter()
        session.run(None, {"images": images})
        yield (time.perf_counter() - start) * 1000


def compare(folder: Path, options: argparse.Namespace) -> Iterator[tuple[str, float, Overload, float | None]]:
    """Measure every model under every load, with the limit of each.

    A fresh server for each repeat.
    """
    cores = sorted(os.sched_getaffinity(0))
    server_core, clients = cores[0], set(cores[1:]) or set(cores)
    for model, width in MODELS.items():
        (folder / model).mkdir()
        make_export(folder / model / "export", width)
    with pinned(clients):
        for _ in range(options.repeats):
            for model in MODELS:
                with running(OURS, folder / model, {server_core}) as (server, port):
                    runs = {}
                    for times in TIMES:
                        time.sleep(min(REST_S, options.lead))
                        runs[times] = overload(port, server, times, options)
                for times, run in runs.items():
                    seconds = min(2.0, options.seconds)
                    most = limits(folder / model, run.sent, server_core, seconds, options.batches).most(run)
                    print(f"{model}, {times:g} times the load: {run}, at most {most}", flush=True)
                    yield model, times, run, most


Runs = Mapping[tuple[str, float], Sequence[tuple[Overload, float | None]]]


def of(runs: Sequence[tuple[Overload, float | None]], name: str) -> Figure:
    """Return one quantity over repeats."""
    return figure([getattr(run, name) for run, _ in runs])


def most_of(runs: Sequence[tuple[Overload, float | None]]) -> Figure | None:
    """Return the most that could be kept, over repeats."""
    shares = [most for _, most in runs if most is not None]
    return figure(shares) if shares else None


def rows(measured: Runs) -> Iterator[dict[str, str]]:
    """Yield the table."""
    for (model, times), runs in measured.items():
        most = most_of(runs)
        yield {
            "model": model,
            "requests/s": f"{of(runs, 'sent').median:,.0f}, {times:g} times the peak",
            "answered/s": of(runs, "good").text(),
            "of the peak": of(runs, "kept").text(2),
            "no server keeps more than": "" if most is None else most.text(2),
            "p50 ms": of(runs, "p50_ms").text(1),
            "p99 ms": of(runs, "p99_ms").text(1),
            "p99 by the unloaded": of(runs, "slower").text(2),
            "refused, p99 ms": of(runs, "refused_p99_ms").text(1),
        }


def targets(measured: Runs) -> Iterator[Target]:
    """Yield the targets at the highest load."""
    for model in MODELS:
        runs = measured[model, TIMES[-1]]
        label, most = f"{model} model, {TIMES[-1]:g} times the load", most_of(runs)
        could = "" if most is None else f" (at most {most.median:.2f} can be)"
        yield Target(f"{label}: answered/s by the peak's{could}", of(runs, "kept").median, 0.9)
        yield Target(f"{label}: p99 by the unloaded", of(runs, "slower").median, SLOWER, at_most=True)
        yield Target(f"{label}: p99 of refusals, ms", of(runs, "refused_p99_ms").median, 20.0, at_most=True)
        yield Target(f"{label}: neither answered nor refused", of(runs, "other").median, 0, at_most=True)


def main() -> None:
    parser = arguments("overload", __doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement (default 4)")
    parser.add_argument("--lead", type=float, default=8.0, help="seconds of overload before it is measured (default 8)")
    parser.add_argument("--batches", type=int, default=10, help="by which the model alone is timed (default 10)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds, options.lead, options.batches = 1, 0.2, 0.1, 1
    runs_of: dict[tuple[str, float], list[tuple[Overload, float | None]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for model, times, run, most in compare(Path(scratch), options):
            runs_of.setdefault((model, times), []).append((run, most))
    title = f"One {SIZE}x{SIZE} image per request, one core, {options.repeats} runs of {options.seconds:g} s"
    measured = {f"{model}, {times:g}": runs for (model, times), runs in runs_of.items()}
    finish(options, f"{title}, medians (min-max)", list(rows(runs_of)), list(targets(runs_of)), measured)


if __name__ == "__main__":
    main()
