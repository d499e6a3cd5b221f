"""Start-up times of commands that do next to nothing.

What the user waits for before anything happens.

Each is a fresh process, with the data packed already: this tree, the tree of an earlier commit (`--before`, checked out
beside it and run by the same Python), and as a peer the bare imports that any script of this kind makes, in turn.
"""

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness import Target, arguments, figure, finish, ratio

ROOT = Path(__file__).resolve().parent.parent
BEFORE = "ca19224"  # the last commit on which a start took as long as its imports
IMPORTS = [sys.executable, "-c", "import torch, optuna, mlflow"]
MAIN = "from hpo.search.cli import main; main()"
SPACE = ["--space", "simple_cnn", "--data", "digits", "--epochs", "1"]
COMMANDS: Mapping[str, Sequence[str]] = {
    "--help": ["--help"],
    "studies": ["studies"],
    "show": ["show"],
    "train, one epoch": ["train", *SPACE],
    "run --trials 1": ["run", *SPACE, "--trials", "1"],
}
AT_MOST_S = {"--help": 0.4, "studies": 0.4, "show": 0.4}
AT_MOST_OF_BEFORE = {"train, one epoch": 0.5, "run --trials 1": 0.6}


@dataclass(frozen=True)
class Tree:
    """A source tree and the folder in which its commands work."""

    root: Path
    folder: Path

    def seconds(self, command: Sequence[str], study: str) -> float:
        """Time `hpo` with `command`."""
        words = [*command, "--study", study] if command[0] == "run" else command
        path = str(self.root / ".typing")
        return seconds([sys.executable, "-P", "-c", MAIN, *words], self.folder, PYTHONPATH=path)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = arguments("startup", __doc__.splitlines()[0])
    parser.add_argument("--before", default=BEFORE, help=f"the commit to compare with (default {BEFORE})")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = stack.enter_context(checked_out(options.before, folder / "before"))
        trees = {"before": Tree(before, made(folder / "then")), "now": Tree(ROOT, made(folder / "now"))}
        times = measure(options, trees, folder)
    report(options, times)


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Check the tree of `commit` out at `folder`."""
    subprocess.run(["git", "-C", ROOT, "worktree", "add", "--quiet", "--detach", folder, commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["git", "-C", ROOT, "worktree", "remove", "--force", folder], check=True)


def measure(options: Namespace, trees: Mapping[str, Tree], folder: Path) -> dict[str, dict[str, list[float]]]:
    """Measure seconds by command and tree, over repeats.

    The first round, in which data is packed, is left out.
    """
    repeats = 1 if options.quick else options.repeats
    times: dict[str, dict[str, list[float]]] = {name: {tree: [] for tree in trees} for name in [*COMMANDS, "imports"]}
    for repeat in range(repeats + 1):
        for name, command in reversed(COMMANDS.items()):  # `run` makes the study that `show` shows
            for label, tree in trees.items():
                times[name][label].append(tree.seconds(command, f"study-{repeat}"))
        times["imports"]["now"].append(seconds(IMPORTS, folder))
        print(f"round {repeat} of {repeats}", flush=True)
    return {name: {tree: taken_s[1:] for tree, taken_s in of_tree.items()} for name, of_tree in times.items()}


def seconds(command: Sequence[str], folder: Path, **variables: str) -> float:
    """Time `command`."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stderr}")
    return time.perf_counter() - began


def made(folder: Path) -> Path:
    """Make `folder`, which was not there, and return it."""
    folder.mkdir()
    return folder


def report(options: Namespace, times: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Write one row a command."""
    peer = times["imports"]["now"]
    rows, targets = [], []
    for name in COMMANDS:
        now, share = times[name]["now"], ratio(times[name]["now"], times[name]["before"])
        rows.append(
            {
                "command": f"hpo {name}",
                "before, s": figure(times[name]["before"]).text(2),
                "now, s": figure(now).text(2),
                "now by before": share.text(2),
                "now by the imports alone": ratio(now, peer).text(2),
            }
        )
        if name in AT_MOST_S:
            targets.append(Target(f"hpo {name}, s", figure(now).median, AT_MOST_S[name], at_most=True))
        else:
            targets.append(Target(f"hpo {name}, by before", share.median, AT_MOST_OF_BEFORE[name], at_most=True))
    title = f"Seconds from command to prompt; `import torch, optuna, mlflow` alone takes {figure(peer).text(2)} s"
    finish(options, title, rows, targets, {"seconds": times})


if __name__ == "__main__":
    main()
