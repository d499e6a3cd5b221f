"""Two workers of one thread each against one: images per second of whole searches; and do they share the data?

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
SPEED = {"trials": 8, "epochs": 2, "train": 5_000, "val": 1_000}
QUICK = {"trials": 2, "epochs": 1, "train": 500, "val": 200}
BIG = ("data.image_size=64", "data.color=rgb", "model.width=4", "data.batch_size=128", "data.val_fraction=0.01")


@dataclass(frozen=True)
class Took:
    """Seconds of a study, and of the whole call."""

    study_s: float
    call_s: float


@dataclass(frozen=True)
class Held:
    """MiB that the workers of a search hold at one moment.

    Of the pack's images as RSS and as PSS, all workers together; and the anonymous memory of the worker with the most.
    """

    rss: float = 0.0
    pss: float = 0.0
    anonymous: float = 0.0


def command(workers: int, home: Path, study: str, **options: Any) -> list[str]:
    """A search on Fashion-MNIST."""
    rest = json.dumps({"space": "simple_cnn", "data": "fashion_mnist", **options})
    return [sys.executable, SEARCHER, str(workers), str(home), study, rest]


def speeds(options: argparse.Namespace, home: Path, size: dict[str, int]) -> dict[str, list[Took]]:
    """Both sides in turn, in one home, after a short search that makes its files."""
    overrides = [f"data.max_train={size['train']}", f"data.max_val={size['val']}", "data.batch_size=128"]
    timed(command(2, home, "warm-up", trials=2, epochs=1, overrides=overrides))
    found: dict[str, list[Took]] = {side: [] for side in SIDES}
    for number in range(options.repeats):
        for side, workers in SIDES.items():
            work = {"trials": size["trials"], "epochs": size["epochs"], "overrides": overrides}
            found[side].append(timed(command(workers, home, f"{side} {number}", **work)))
    return found


def timed(search: list[str]) -> Took:
    """Run a search."""
    began = time.perf_counter()
    done = subprocess.run(search, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return Took(json.loads(done.stdout)["wall_s"], time.perf_counter() - began)


def memory(options: argparse.Namespace, home: Path) -> dict[str, float]:
    """MiB: what one worker and two hold of a large pack, and the anonymous memory of a worker with it and without."""
    work: dict[str, Any] = {"trials": 2, "epochs": 1, "tracking_uri": "none"}
    large = [*BIG, "data.max_train=2000"] if options.quick else [*BIG]
    small = [*BIG, "data.max_train=1000"]
    one, two = (sampled(command(count, home, f"large {count}", overrides=large, **work)) for count in (1, 2))
    other = sampled(command(2, home, "small", overrides=small, **work))
    return {
        "images of the pack in one worker": one.rss,
        "images of the pack in two workers, RSS": two.rss,
        "images of the pack in two workers, PSS": two.pss,
        "anonymous memory of a worker": two.anonymous,
        "anonymous memory of a worker with a pack of 1,000 images": other.anonymous,
    }


def sampled(search: list[str]) -> Held:
    """The moment of a search at which its workers hold most of the pack; of anonymous memory, the most of all."""
    seen = [Held()]
    with subprocess.Popen(search, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            seen.append(held(process.pid))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"a search ended with {process.returncode}: {search}")
    most = max(seen, key=lambda now: now.rss)
    return Held(most.rss, most.pss, max(now.anonymous for now in seen))


def held(pid: int) -> Held:
    """What the workers of process `pid` hold now."""
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
    """A field of smaps in MiB; 0 where it is missing."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


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
    """Table and JSON."""
    study, call = (
        {side: [images / getattr(each, which) for each in found] for side, found in took.items()}
        for which in ("study_s", "call_s")
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
    seconds = {side: [asdict(each) for each in found] for side, found in took.items()}
    finish(options, title, rows, targets, {"images": images, "seconds": seconds, "gain": gains[0], "mib": sizes})


def line(what: str, study: str, call: str = "") -> dict[str, str]:
    """A line of the table."""
    return {"what": what, "the study": study, "the whole call": call}


if __name__ == "__main__":
    main()
