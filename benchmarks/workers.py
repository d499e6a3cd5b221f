"""Two workers of one thread each against one: speed and shared memory.

Images per second of whole searches; and do they share the data?

- Speed: `hpo.run` on Fashion-MNIST with MLflow, in a process of its own, every trial as large as every other; one
  worker of one thread and two of them in turn. Images are those trained on and validated on; the time is the study's
  own (from the start of the first trial, workers not yet started, to the end of the last); the whole call is beside it.
- Memory: two workers train on a pack of 60,000 images of 64x64 pixels in colour. Linux says of each mapping how much
  of it is in a process's memory (RSS) and what that comes to if shared pages are divided by their sharers (PSS).
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from harness import Target, arguments, figure, finish, need_fashion_mnist, ratio

SEARCHER = str(Path(__file__).with_name("searcher.py"))
SIDES = {"one worker": 1, "two workers": 2}
# a run of some seconds a trial: long enough that starting workers is not what is measured
SPEED = {"trials": 8, "epochs": 2, "train": 5_000, "val": 1_000}
QUICK = {"trials": 2, "epochs": 1, "train": 500, "val": 200}
BIG = ("data.image_size=64", "data.color=rgb", "model.width=4", "data.batch_size=128", "data.val_fraction=0.01")


@dataclass(frozen=True)
class Took:
    """The seconds of a study, and of the whole call."""

    study_s: float
    call_s: float


@dataclass(frozen=True)
class Held:
    """The MiB that the workers of a search hold at one moment.

    Of the pack's images as RSS and as PSS, all workers together; and the anonymous memory of the worker with the most.
    """

    rss: float = 0.0
    pss: float = 0.0
    anonymous: float = 0.0


def command(workers: int, home: Path, study: str, **options: Any) -> list[str]:
    """Return the command of a search on Fashion-MNIST."""
    rest = json.dumps({"space": "simple_cnn", "data": "fashion_mnist", **options})
    return [sys.executable, SEARCHER, str(workers), str(home), study, rest]


def speeds(options: argparse.Namespace, home: Path, size: dict[str, int]) -> dict[str, list[Took]]:
    """Measure both sides in turn.

    In one home, after a short search that makes its files where speed counts.
    """
    overrides = [f"data.max_train={size['train']}", f"data.max_val={size['val']}", "data.batch_size=128"]
    rest: dict[str, Any] = {"overrides": overrides}
    if options.quick:
        rest["tracking_uri"] = "none"  # overhead.py runs searches with MLflow
    else:
        timed(command(2, home, "warm-up", trials=2, epochs=1, **rest))
    times: dict[str, list[Took]] = {side: [] for side in SIDES}
    for number in range(options.repeats):
        for side, workers in SIDES.items():
            work = {"trials": size["trials"], "epochs": size["epochs"], **rest}
            times[side].append(timed(command(workers, home, f"{side} {number}", **work)))
    return times


def timed(search: list[str]) -> Took:
    """Run a search; return its times."""
    began = time.perf_counter()
    done = subprocess.run(search, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return Took(json.loads(done.stdout)["wall_s"], time.perf_counter() - began)


def memory(options: argparse.Namespace, home: Path) -> dict[str, float]:
    """Measure the memory that workers hold of a large pack.

    What one worker and two hold of a large pack, and the anonymous memory of a worker with it and without.
    """
    work: dict[str, Any] = {"trials": 2, "epochs": 1, "tracking_uri": "none"}
    small: dict[str, Any] = {**work, "overrides": [*BIG, "data.max_train=1000"]}
    if options.quick:  # of Fashion-MNIST the 10,000 test images would be enlarged, too
        work["data"] = "digits"
        small = {**work, "overrides": [*BIG, "data.max_train=300"], "trials": 1}
    by_one, by_two = (sampled(command(count, home, f"large {count}", overrides=BIG, **work)) for count in (1, 2))
    other = sampled(command(1 if options.quick else 2, home, "small", **small))
    return {
        "images of the pack in one worker": by_one.rss,
        "images of the pack in two workers, RSS": by_two.rss,
        "images of the pack in two workers, PSS": by_two.pss,
        "anonymous memory of a worker": by_two.anonymous,
        "anonymous memory of a worker with a pack of 1,000 images": other.anonymous,
    }


def sampled(search: list[str]) -> Held:
    """Return the moment at which the workers hold most of the pack.

    Of anonymous memory, the most of all.
    """
    moments = [Held()]
    with subprocess.Popen(search, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            moments.append(held(process.pid))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"a search ended with {process.returncode}: {search}")
    most = max(moments, key=lambda now: now.rss)
    return Held(most.rss, most.pss, max(now.anonymous for now in moments))


def held(pid: int) -> Held:
    """Measure the memory of the workers of process `pid` now."""
    rss = pss = anonymous = 0.0
    try:
        for worker in psutil.Process(pid).children():
            if "hpo.search.executors.worker" in worker.cmdline():
                folder = Path(f"/proc/{worker.pid}")
                for mapping in re.split(r"\n(?=[0-9a-f]+-)", (folder / "smaps").read_text()):
                    if "/images.npy" in mapping.partition("\n")[0]:
                        rss, pss = rss + mib(mapping, "Rss"), pss + mib(mapping, "Pss")
                anonymous = max(anonymous, mib((folder / "smaps_rollup").read_text(), "Anonymous"))
    except (psutil.NoSuchProcess, FileNotFoundError, ProcessLookupError):  # it has just ended
        return Held()
    return Held(rss, pss, anonymous)


def mib(text: str, field: str) -> float:
    """Return a field of smaps in MiB; 0 where it is missing."""
    match = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(match[1]) / 1024 if match else 0.0


def main() -> None:
    parser = arguments("workers", __doc__.splitlines()[0])
    options = parser.parse_args()
    need_fashion_mnist()
    if options.quick:
        options.repeats = 1
    size = QUICK if options.quick else SPEED
    with tempfile.TemporaryDirectory() as folder:
        took, sizes = speeds(options, Path(folder), size), memory(options, Path(folder))
    report(options, size["trials"] * size["epochs"] * (size["train"] + size["val"]), took, sizes)


def report(options: argparse.Namespace, images: int, took: dict[str, list[Took]], sizes: dict[str, float]) -> None:
    """Write table and JSON."""
    study, call = (
        {side: [images / getattr(each, field) for each in times] for side, times in took.items()}
        for field in ("study_s", "call_s")
    )
    gains = [ratio(rates["two workers"], rates["one worker"]) for rates in (study, call)]
    rows = [line(f"images/s, {side}", figure(study[side]).text(), figure(call[side]).text()) for side in SIDES]
    rows.append(line("two workers / one", *(gain.text(2) for gain in gains)))
    rows += [line(f"MiB, {what}", f"{size:,.0f}") for what, size in sizes.items()]
    pack, _, shared, large, small = sizes.values()
    targets = [
        Target("images/s of the study, two workers / one", gains[0].median, 1.7),
        Target("memory for the pack's images, two workers (PSS) / one", shared / pack, 1.05, at_most=True),
        Target("anonymous memory that comes with the pack / its images", (large - small) / pack, 0.05, at_most=True),
    ]
    title = "Workers of one thread: searches of simple_cnn on Fashion-MNIST, and the memory of a large pack"
    seconds = {side: [asdict(each) for each in times] for side, times in took.items()}
    finish(options, title, rows, targets, {"images": images, "seconds": seconds, "gain": gains[0], "mib": sizes})


def line(what: str, study: str, call: str = "") -> dict[str, str]:
    """Return a line of the table."""
    return {"what": what, "the study": study, "the whole call": call}


if __name__ == "__main__":
    main()
