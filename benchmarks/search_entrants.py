"""The searches that search.py compares, by name, and what decides how each of them goes."""

import ast
import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import hpo.search.strategy
import search_ours
import search_peers
import search_syne_tune
from hpo.search.strategy.strategies.registry import STRATEGIES, own_names
from search_counted import random_search
from search_peers import PEERS
from search_tables import CurveTable
from search_trace import Trace

BASELINE = "optuna_tpe_median"
COUNTED = "random"

# of a simulation itself, see search_spaces.py, search_trace.py and search_peers.py: to be raised where a change of them
# changes what a search finds
VERSION = 1

# epochs of the searches that go through the book as well: they take ten times as long, and have paused and promoted
# trials at each rung by then
THROUGH_BOOK = 300

_STRATEGY = Path(*hpo.search.strategy.__path__)


def known() -> Sequence[str]:
    """Return the names of all entrants: peers first, then the strategies of `hpo run`."""
    others = search_syne_tune.SEARCHES if search_syne_tune.PYTHON in os.environ else ()
    return (COUNTED, *PEERS, *others, *STRATEGIES.names())


def is_ours(name: str) -> bool:
    """Whether it is a strategy of `hpo run`, with or without a sampler and a pruner."""
    return name not in (COUNTED, *PEERS, *search_syne_tune.SEARCHES)


def check(names: Sequence[str]) -> None:
    """Refuse a name that is no entrant.

    Raises:
        SpaceError: hpo has no such strategy.
        SystemExit: it is one of Syne Tune's, and no environment has that.
    """
    if search_syne_tune.PYTHON not in os.environ and (lost := set(names) & search_syne_tune.SEARCHES.keys()):
        raise SystemExit(
            f"--strategies {','.join(sorted(lost))}: needs --syne-tune PYTHON of an environment that has it"
        )
    for name in filter(is_ours, names):
        STRATEGIES.check(search_ours.Entrant.named(name).strategy)


def search(name: str, table: CurveTable, seed: int, workers: int, cap: int) -> Trace:
    """Search a table by the entrant `name`."""
    if name == COUNTED:
        return random_search(table, workers)
    if name in PEERS:
        return search_peers.search(PEERS[name](table, seed), table, workers, cap)
    if name in search_syne_tune.SEARCHES:
        return search_peers.search(search_syne_tune.SyneTunePeer(name, table, seed), table, workers, cap)
    return search_ours.search(search_ours.Entrant.named(name), table, seed, workers, cap)


def check_ledger(name: str, table: CurveTable, seed: int, workers: int, cap: int) -> None:
    """Refuse a strategy of ours that does not find the same through the book as through the ledger.

    Raises:
        SystemExit: it does not, within the first THROUGH_BOOK of `cap` epochs.
    """
    if is_ours(name):
        setting = search_ours.Entrant.named(name), table, seed, workers, min(cap, THROUGH_BOOK)
        ledger, book = (search_ours.search(*setting, through_book=each) for each in (False, True))
        if ledger != book:
            raise SystemExit(f"{name} on {table.name}, seed {seed}, {workers} at once: the book finds something else")


@cache
def what_decides(name: str) -> str:
    """Return a digest of what decides how a search by `name` goes, besides its table, seed, workers and cap.

    For a peer it is the version of its package; for a strategy of ours the code in search/strategy that it may run,
    without docstrings and comments. The loop and the book are left out: they are to carry out what a strategy decides.
    """
    if name in search_syne_tune.SEARCHES:
        return f"{VERSION} {search_syne_tune.package()}"
    if not is_ours(name):
        return f"{VERSION} optuna {version('optuna')}"
    code = [ast.dump(bare(path)) for path in sorted(_closure(_named(search_ours.Entrant.named(name))))]
    return f"{VERSION} {hashlib.sha256(''.join(code).encode()).hexdigest()[:16]}"


def _named(entrant: search_ours.Entrant) -> set[Path]:
    """Return the files of search/strategy that are found by name."""
    if entrant.strategy == "auto":  # which may pick any
        return set(_STRATEGY.rglob("*.py"))
    sampler, pruner = own_names(entrant.strategy)
    named = {"strategies": entrant.strategy, "samplers": entrant.sampler or sampler}
    named |= {"schedulers": entrant.pruner or pruner or ""}
    # a number may follow a name
    files = (_STRATEGY / room / f"{each.partition(':')[0]}.py" for room, each in named.items())
    return {_STRATEGY / "strategy.py", *(path for path in files if path.exists())}


def _closure(files: set[Path]) -> set[Path]:
    """Return files and those of search/strategy that they import."""
    seen: set[Path] = set()
    while left := files - seen:
        seen |= left
        files = {imported for path in left for imported in _imports(path)} | files
    return seen


def _imports(path: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            for file in (folder.with_suffix(".py"), *(folder / f"{alias.name}.py" for alias in node.names)):
                if file.is_relative_to(_STRATEGY) and file.exists():
                    yield file


def bare(path: Path) -> ast.Module:
    """Return the code of a file without its docstrings."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]
    return tree


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
