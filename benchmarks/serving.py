"""Serving one model over HTTP: ours, plain FastAPI and MLflow's server.

Every server runs the same ONNX file on all cores, one at a time; the clients share them, keep their connections and
send one image as a file in a form (MLflow's takes it in JSON). The median of several runs in turn is compared. Then
ours on one core while versions are swapped, and while signals end it.

    python benchmarks/serving.py
"""

import argparse
import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from exports import describe, make_export, save_for_mlflow
from harness import Figure, Target, arguments, figure, finish, ratio
from http_requests import SIZE, form, in_json
from load import Reply, closed_loop
from servers import MLFLOW, OURS, OURS_MANY, PLAIN, PLAIN_MANY, Measured, measure, running

CLIENTS = (1, 8, 64)  # alone, a few, and as many as the server's queue holds


def answer_of(side: str, body: bytes) -> tuple[int, float]:
    """Read class and confidence of an answer."""
    value = json.loads(body)
    if side not in (PLAIN, PLAIN_MANY):
        value = value["predictions"][0]
    return int(value["class"].split()[1]), value["confidence"]


def compare(folder: Path, options: argparse.Namespace) -> dict[str, dict[int, list[Measured]]]:
    """Measure every side under every number of clients, in turn.

    Their answers must be the same.
    """
    runs: dict[str, dict[int, list[Measured]]] = {side: {count: [] for count in CLIENTS} for side in options.sides}
    answers: dict[str, tuple[int, float]] = {}
    for _ in range(options.repeats):
        for side in options.sides:
            with running(side, folder, os.sched_getaffinity(0)) as (server, port):
                content = in_json(port) if side == MLFLOW else form(port)
                answers[side] = answer_of(side, closed_loop(port, content, 1, min(1.0, options.seconds))[-1].body)
                for count in CLIENTS:
                    runs[side][count].append(measure(port, server, content, count, options.seconds))
                    print(f"{side}, {count} clients: {runs[side][count][-1]}", flush=True)
    classes = {answer[0] for answer in answers.values()}
    confidences = [answer[1] for answer in answers.values()]
    # 1e-5: float32 sums in another order
    if len(classes) > 1 or max(confidences) - min(confidences) > 1e-5:
        raise SystemExit(f"the servers disagree: {answers}")
    return runs


def swaps(folder: Path, options: argparse.Namespace, server_cores: set[int]) -> dict[str, int]:
    """Exchange versions under load."""
    with running(OURS, folder, server_cores) as (_, port):
        stop = threading.Event()

        def replace() -> None:
            number = 0
            while not stop.wait(1.2):  # a version is looked for every second
                number += 1
                fresh = folder / "fresh"
                # a copy that is renamed, as `hpo retrain-best` does: no moment with half an export
                shutil.copytree(folder / "export", fresh)
                describe(fresh, f"swap {number}")
                (folder / "export").rename(folder / "old")
                fresh.rename(folder / "export")
                shutil.rmtree(folder / "old")

        thread = threading.Thread(target=replace)
        thread.start()
        replies = closed_loop(port, form(port), options.clients, options.swaps * 1.2)
        stop.set()
        thread.join()
    versions = {json.loads(reply.body)["model_version"] for reply in replies if reply.status == 200}
    return {"versions": len(versions), "requests": len(replies), "dropped": dropped(replies)}


def signals(folder: Path, options: argparse.Namespace, server_cores: set[int]) -> dict[str, int]:
    """End servers by SIGTERM under load."""
    requests = lost = 0
    for _ in range(options.signals):
        with running(OURS, folder, server_cores) as (server, port):
            threading.Timer(min(0.5, options.seconds), server.terminate).start()
            replies = closed_loop(port, form(port), options.clients, 20.0)
            requests, lost = requests + len(replies), lost + dropped(replies)
    return {"signals": options.signals, "requests": requests, "dropped": lost}


def dropped(replies: list[Reply]) -> int:
    """Count requests that got another answer than theirs, or none."""
    return sum(reply.status != 200 for reply in replies)


def rows(measured: Mapping[str, Mapping[int, list[Measured]]]) -> Iterator[dict[str, str]]:
    """Yield the table."""
    for side, counts in measured.items():
        for count, runs in counts.items():
            yield {
                "server": side,
                "load": f"{count} clients",
                "answered/s": of(runs, "per_second").text(),
                "p50 ms": of(runs, "p50_ms").text(1),
                "p99 ms": of(runs, "p99_ms").text(1),
                "CPU ms per request": of(runs, "cpu_ms").text(2),
            }


def of(runs: list[Measured], name: str) -> Figure:
    """Return one quantity over repeats."""
    return figure([getattr(run, name) for run in runs])


def targets(
    measured: Mapping[str, Mapping[int, list[Measured]]],
    swapped: Mapping[str, int],
    ended: Mapping[str, int],
) -> Iterator[Target]:
    """Yield the targets."""
    for ours, plain in ((OURS, PLAIN), (OURS_MANY, PLAIN), (OURS_MANY, PLAIN_MANY)):
        faster = ratio(*([run.per_second for run in measured[side][64]] for side in (ours, plain)))
        yield Target(f"answered/s at 64 clients, {ours} by {plain}", faster.median, 2.0)
    yield Target(f"requests dropped in {swapped['versions'] - 1} swaps", swapped["dropped"], 0, at_most=True)
    yield Target(f"requests dropped in {ended['signals']} SIGTERMs", ended["dropped"], 0, at_most=True)


def main() -> None:
    parser = arguments("serving", __doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of one measurement (default 4)")
    parser.add_argument("--swaps", type=int, default=100, help="versions put in place (default 100)")
    parser.add_argument("--signals", type=int, default=100, help="servers ended (default 100)")
    parser.add_argument("--clients", type=int, default=8, help="of a server that is swapped or ended (default 8)")
    options = parser.parse_args()
    options.sides = (PLAIN, OURS, PLAIN_MANY, OURS_MANY, MLFLOW)
    if options.quick:
        options.repeats, options.seconds, options.swaps, options.signals, options.clients = 1, 0.1, 2, 1, 1
        options.sides = (PLAIN, OURS, PLAIN_MANY, OURS_MANY)
    cores = sorted(os.sched_getaffinity(0))
    server_cores = set(cores[: max(1, len(cores) // 2)])
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_export(folder / "export")
        if MLFLOW in options.sides:
            save_for_mlflow(folder / "export", folder / "mlflow")
        runs = compare(folder, options)
        # the server that is swapped and ended has one core, and clients that nobody holds up
        os.sched_setaffinity(0, set(cores) - server_cores or server_cores)
        swapped = swaps(folder, options, server_cores)
        ended = signals(folder, options, server_cores)
        os.sched_setaffinity(0, cores)
    title = f"One {SIZE}x{SIZE} image per request, {options.repeats} runs of {options.seconds:g} s, medians (min-max)"
    measured = {"swaps": swapped, "signals": ended}
    finish(options, title, list(rows(runs)), list(targets(runs, swapped, ended)), measured)


if __name__ == "__main__":
    main()
