"""The whole `hpo run` against the usual script or Ray Tune, in turn.

How soon is ours as good as the peer is in the end? Both search learning rate, batch size, dropout and weight decay of
the same small network, in the same ranges, on the same 10,000 training and 5,000 validation images of Fashion-MNIST, 8
epochs and 20 trials, each from an empty home. The peer is peer_search.py, in one process on every core, or peer_ray.py,
with a trial on each. Ours is the bundled simple_cnn.yaml on every core, packing included: after the peer's search once
as it is, and once with the peer's recipe, which is its constant learning rate, its augmentation and no priors, so that
only the loop and the search differ. With `--budget time` ours searches for as long as the peer took. A clock starts
when a command does. Every seed is written down once it is done; what is there is not run again.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness import Figure, Target, arguments, figure, finish, need_fashion_mnist, processor, target_file
from live_searches import AUGMENTED, PEERS, PLAIN, THEIRS, Search, Turn, run_ours, run_peer, trials

FULL = {"trials": 20, "epochs": 8, "train": 10_000, "val": 5_000}
QUICK = {"trials": 2, "epochs": 1, "train": 600, "val": 200}
SHARES = {("script", "own"): 1 / 25, ("ray", "own"): 1 / 10, ("script", "theirs"): 1 / 5, ("ray", "theirs"): 1 / 3}
"""The most of the peer's time that ours may take to be as good, by peer and recipe."""
LEAD = 0.02  # of accuracy, when the peer's time is up


@dataclass(frozen=True)
class Entrant:
    """A search of ours: whose recipe it has, and its strategy.

    Without one it is that of an `hpo run` that names none.
    """

    recipe: str
    strategy: str | None = None

    @property
    def name(self) -> str:
        """Return what it is called in the table."""
        whose = "the peer's recipe" if self.recipe == "theirs" else "own recipe"
        return f"{self.strategy}, {whose}" if self.strategy else whose

    def flags(self, peer: str) -> list[str]:
        """Return the flags of its `hpo run` beside those of every search."""
        theirs = (*THEIRS, *(AUGMENTED if PLAIN not in PEERS[peer] else ())) if self.recipe == "theirs" else ()
        changes = [word for setting in theirs for word in ("--set", setting)]
        return [*changes, *(("--strategy", self.strategy) if self.strategy else ())]


def entrants(setting: Mapping[str, Any]) -> list[Entrant]:
    """Return the searches of ours in a turn, in order."""
    return [Entrant(recipe, strategy) for strategy in setting["strategies"] for recipe in setting["recipes"]]


def kept(out: Path, setting: Mapping[str, Any]) -> dict[int, Turn]:
    """Return the searches of an earlier run by seed.

    With the same setting on the same processor.
    """
    measured = json.loads(out.read_text())["measured"] if out.exists() else {}
    if measured.get("setting") != setting:
        return {}
    return {
        int(seed): Turn(Search(**turn["peer"]), {name: Search(**search) for name, search in turn["ours"].items()})
        for seed, turn in measured["searches"].items()
    }


def report(options: argparse.Namespace, setting: Mapping[str, Any], turns: Mapping[int, Turn]) -> None:
    """Write table and JSON of the seeds so far."""
    names = {entrant.name: entrant.recipe for entrant in entrants(setting)}
    shares = {name: figure([turn.share(name) for turn in turns.values()]) for name in names}
    leads = {name: figure([turn.lead(name) for turn in turns.values()]) for name in names}
    peer = "ray" if setting["peer"].startswith("ray") else "script"
    targets = [
        target
        for name, recipe in names.items()
        for target in targets_of(name, shares[name], leads[name], SHARES[peer, recipe])
    ]
    numbers = "{train:,} training and {val:,} validation images, {epochs} epochs, {trials} trials"
    what = numbers.format(**setting["size"])
    finish(
        options,
        f"Whole searches: {what}, peer {setting['peer']}{_budget(setting)}",
        [row(seed, turn, name) for seed, turn in sorted(turns.items()) for name in names],
        targets,
        {
            "setting": setting,
            "share": shares,
            "lead": leads,
            "searches": {seed: asdict(turn) for seed, turn in sorted(turns.items())},
        },
    )


def _budget(setting: Mapping[str, Any]) -> str:
    return ", ours for as long as the peer took" if "budget" in setting else ""


def targets_of(name: str, share: Figure, lead: Figure, bound: float) -> tuple[Target, Target]:
    """Return what an entrant must reach."""
    what = "time to the peer's final accuracy / its whole time, median"
    return (
        Target(f"{name}: {what}", share.median, bound, True),
        Target(f"{name}: lead when the peer's time is up, median", lead.median, LEAD),
    )


def row(seed: int, turn: Turn, name: str) -> dict[str, str]:
    """Return a line of the table."""
    peer, ours = turn.peer, turn.ours[name]
    return {
        "seed": str(seed),
        "peer": f"{peer.seconds:.0f} s to {peer.best:.2%}",
        "ours": name,
        "ours is as good after": f"{ours.reaches(peer.best):.0f} s",
        "of the peer's time": f"{turn.share(name):.3f}",
        "ours when the peer ends": f"{ours.best_at(peer.seconds):.2%} ({100 * turn.lead(name):+.2f})",
        "ours, whole": f"{ours.seconds:.0f} s to {ours.best:.2%}",
    }


def measure(seed: int, setting: Mapping[str, Any], python: Path) -> Turn:
    """Run the peer and each of ours, one after the other."""
    with tempfile.TemporaryDirectory() as folder:
        peer = run_peer(setting["peer"], python, seed, setting["size"], Path(folder))
        budget = f"--timeout={peer.seconds:.0f}s" if "budget" in setting else trials(setting["size"])
        ours = {
            entrant.name: run_ours(
                seed, setting["size"], [budget, *entrant.flags(setting["peer"])], Path(folder) / f"ours-{number}"
            )
            for number, entrant in enumerate(entrants(setting))
        }
    return Turn(peer, ours)


def main() -> None:
    parser = arguments("live", __doc__.splitlines()[0], repeats=1)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--peer", choices=tuple(PEERS), default="augmented", help="plain: no random crops and flips")
    parser.add_argument("--ray", type=Path, metavar="PYTHON", help="of an environment that has hpo and ray[tune]")
    parser.add_argument("--recipes", nargs="+", choices=("own", "theirs"), default=["own", "theirs"], help="of ours")
    parser.add_argument("--budget", choices=("trials", "time"), default="trials", help="of ours: as the peer's")
    parser.add_argument("--strategies", nargs="+", default=[None], help="of ours, a search for each")
    options = parser.parse_args()
    need_fashion_mnist()
    python = options.ray if options.peer.startswith("ray") else Path(sys.executable)
    if python is None:
        parser.error("--peer ray needs --ray PYTHON")
    parts = ("live", *([options.peer] if options.peer != "augmented" else []))
    options.name = "-".join((*parts, *(["time"] if options.budget == "time" else [])))
    if options.quick:
        options.seeds = options.seeds[:1]
    size = QUICK if options.quick else FULL
    setting = {name: getattr(options, name) for name in ("peer", "recipes", "strategies")}
    setting |= {"size": size, "processor": processor()}
    if options.budget == "time":
        setting["budget"] = options.budget
    turns = {} if options.quick else kept(target_file(options), setting)
    for seed in [seed for seed in options.seeds if seed not in turns]:
        turns[seed] = measure(seed, setting, python)
        report(options, setting, turns)


if __name__ == "__main__":
    main()
