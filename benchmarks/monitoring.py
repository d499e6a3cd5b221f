"""The cost of monitoring to a server.

A server with its log and its drift detection, and one without, asked in turn.

Both run all the time on the same core, each idle while the other is asked. Each client sends one image of its own, so
that the stream has the mix of the reference: it is quiet, as a stream mostly is. It goes on for a while before it is
measured: what may be looked at after a pause is used up then. What is still to be written when the clients have ended
is waited for and counted.

    python benchmarks/monitoring.py
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import onnxruntime
from exports import make_export
from harness import Target, arguments, figure, finish, ratio
from hpo.serving.monitor.reference import REFERENCE, Reference
from hpo.serving.statistics import input_statistics
from http_requests import SIZE, png, request
from load import closed_loop
from servers import OURS, cpu_seconds, running

CLIENTS, IMAGES, REFERENCES = 64, 8, 1_000  # 64: as many as the server's queue holds
WITH, WITHOUT = "with log and drift detection", "without"
# the rate is set so low that no alarm is raised: an alarm would pause the bets, and so the work
FLAGS = {WITH: ["--false-alarm-every", "10000000"], WITHOUT: ["--log", "none"]}


@dataclass(frozen=True)
class Run:
    """One side, asked for some seconds."""

    per_second: float
    cpu_ms: float
    answered: int


@dataclass(frozen=True)
class Side:
    """A server that runs."""

    pid: int
    port: int

    def counts(self) -> dict[str, int]:
        """Read the predictions that its log has written, dropped, and waiting."""
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{self.port}/metrics"
        ) as answer:
            lines = answer.read().decode().splitlines()
        named = [line.partition("{state=")[2] for line in lines if line.startswith("hpo_log_predictions{")]
        return {line.split('"')[1]: int(float(line.split()[-1])) for line in named}


def add_reference(folder: Path, images: np.ndarray) -> None:
    """Add a reference of `REFERENCES` draws of `images` to an export."""
    drawn = images[np.random.default_rng(1).integers(len(images), size=REFERENCES)]
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {session.get_inputs()[0].name: drawn})
    statistics = np.stack(input_statistics(drawn), axis=1).astype(np.float32)
    Reference(logits, logits.argmax(axis=1), statistics).save(folder / REFERENCE)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][REFERENCE] = {"sha256": hashlib.sha256((folder / REFERENCE).read_bytes()).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def ask(side: Side, files: list[bytes], options: argparse.Namespace) -> Run:
    """Run a closed loop of `CLIENTS`, shared among the images.

    Measured once it has gone on for `lead` seconds, and what it leaves to be written with it.
    """
    loops = [
        partial(closed_loop, side.port, request(side.port, "/predict", "image/png", file), CLIENTS // len(files))
        for file in files
    ]
    with ThreadPoolExecutor(len(files)) as threads:
        wait([threads.submit(loop, options.lead) for loop in loops])
        before = cpu_seconds(side.pid)
        asking = [threads.submit(loop, options.seconds) for loop in loops]
        replies = [reply for future in asking for reply in future.result()]
    answered = sum(reply.status == 200 for reply in replies)
    if answered < len(replies):
        raise SystemExit(f"{len(replies) - answered} requests were not answered")
    time.sleep(options.drain)
    return Run(answered / options.seconds, (cpu_seconds(side.pid) - before) / answered * 1000, answered)


def compare(folder: Path, options: argparse.Namespace) -> tuple[dict[str, list[Run]], dict[str, int]]:
    """Measure both sides in turn; return the runs and the log's counts.

    Each is first every second time.
    """
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, 3, SIZE, SIZE), np.uint8)
    add_reference(folder / "export", images)
    files = [png(image.transpose(1, 2, 0).copy()) for image in images]
    cores = sorted(os.sched_getaffinity(0))
    runs: dict[str, list[Run]] = {side: [] for side in FLAGS}
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(running(OURS, folder, {cores[0]}, *flags)) for name, flags in FLAGS.items()
        }
        sides = {name: Side(server.pid, port) for name, (server, port) in servers.items()}
        os.sched_setaffinity(0, set(cores[1:]) or set(cores))
        for side in sides.values():
            ask(side, files, options)  # the watch is made, caches are warm
        for pair in range(options.repeats):
            for name in [*FLAGS][:: 1 if pair % 2 else -1]:
                runs[name].append(ask(sides[name], files, options))
                print(f"{name}: {runs[name][-1]}", flush=True)
        return runs, sides[WITH].counts()


def main() -> None:
    parser = arguments("monitoring", __doc__.splitlines()[0], repeats=40)
    parser.add_argument("--seconds", type=float, default=2.0, help="of one measurement (default 2)")
    parser.add_argument("--lead", type=float, default=1.5, help="seconds before it is measured (default 1.5)")
    parser.add_argument("--drain", type=float, default=1.0, help="seconds in which the log is written (default 1)")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.seconds, options.lead, options.drain = 1, 0.2, 0.1, 0.1
    with tempfile.TemporaryDirectory() as scratch:
        make_export(Path(scratch) / "export")
        runs_of, counts = compare(Path(scratch), options)
    rows = [
        {
            "server": name,
            "requests/s": figure([run.per_second for run in runs]).text(),
            "CPU ms per request": figure([run.cpu_ms for run in runs]).text(3),
        }
        for name, runs in runs_of.items()
    ]
    speed = ratio(*([run.per_second for run in runs_of[side]] for side in (WITH, WITHOUT)))
    cpu = ratio(*([run.cpu_ms for run in runs_of[side]] for side in (WITH, WITHOUT)))
    rows.append({"server": "ratio, pair by pair", "requests/s": speed.text(3), "CPU ms per request": cpu.text(3)})
    targets = [
        Target("share of the throughput that monitoring costs", 1 - speed.median, 0.03, at_most=True),
        Target("share of a request's CPU that monitoring adds", cpu.median - 1, 0.03, at_most=True),
        Target("predictions that the log dropped", counts["dropped"], 0, at_most=True),
    ]
    title = f"One {SIZE}x{SIZE} image per request, {CLIENTS} clients, {options.repeats} pairs of {options.seconds:g} s"
    finish(options, f"{title}, medians (min-max)", rows, targets, {"log": counts, "speed": speed, "cpu": cpu})


if __name__ == "__main__":
    main()
