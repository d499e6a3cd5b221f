"""What is found out on a node before a trial runs there."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ....errors import HpoError
from ....studies.files import versions as installed
from ....studies.shared_files.entry import Entry
from ....studies.shared_files.location import open_location
from ....training.config import TrialConfig
from ....training.machine.numerics import ON_A_CPU, Numerics
from ....training.models.source import keep_model
from ....training.models.source_files import write_whole
from ..preflight import preflight
from .node_folder import make_folder

MODELS = "models"
"""The folder of users' models in that of a node."""


@dataclass(frozen=True, slots=True)
class NodeRequest:
    """What a node must have: `versions`, the data of `config` with `fingerprint`, and the `probe` object of a store.

    `models` are the files of users' models by the SHA-256 of each, by relative path, the model's own first; `cache` is
    where the coordinator keeps packs. `cards` says whether trials have GPUs there, else they have `threads` threads.
    """

    versions: Mapping[str, str]
    config: TrialConfig
    fingerprint: str
    cache: Path
    data_root: Path | None
    cards: bool
    threads: int
    location: str
    probe: Entry
    models: Mapping[str, Mapping[str, bytes]]


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node has: a folder for trials, with the models, the pack, what `auto` means; or a `problem` in words."""

    problem: str = ""
    folder: Path = Path()
    pack: Path = Path()
    numerics: Numerics = ON_A_CPU


def versions() -> dict[str, str]:
    """The versions that must be the same on all nodes."""
    here = installed()
    python = ".".join(here["python"].split(".")[:2])
    return {"Python": python, "hpo": here["hpo"], "torch": here.get("torch", "none")}


def check_node(request: NodeRequest) -> NodeReport:
    """Check this node, and pack the data where they are not packed yet."""
    try:
        return _check(request)
    except (HpoError, OSError) as error:
        return NodeReport(str(error).splitlines()[0])


def _check(request: NodeRequest) -> NodeReport:
    here = versions()
    for name, wanted in request.versions.items():
        if here[name] != wanted:
            return NodeReport(f"it has {name} {here[name]}, the coordinator {wanted}")
    folder = make_folder()
    request.probe.fetch(open_location(request.location), folder / "probe")
    for digest, files in request.models.items():
        write_whole(files, folder / MODELS / digest)
        keep_model(f"{folder / MODELS / digest / next(iter(files))}:model", folder / MODELS, digest)
    ready = preflight(
        request.config,
        cache=_cache(request.cache),
        data_root=request.data_root,
        cards=None if request.cards else [],
        threads=request.threads,
        progress=lambda stage, done, total: None,
    )
    if ready.fingerprint != request.fingerprint:
        return NodeReport(f"its data ({request.config.data.source}) are not those of the coordinator")
    return NodeReport("", folder, ready.pack, ready.numerics)


def _cache(coordinators: Path) -> Path:
    """Where packs are kept here: where the coordinator has them, if this node has that folder, or its account's own."""
    return coordinators if coordinators.is_dir() else Path.home() / ".cache" / "hpo" / "packs"
