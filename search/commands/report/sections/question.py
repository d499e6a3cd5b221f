"""What a study was asked: command, objective, strategy, data, versions, and the space."""

from collections.abc import Iterator, Mapping
from typing import Any

from .....common.masking import masked
from .....common.plural import plural
from .....common.sections import Block, Code, Facts, Section, Table, Text
from .....studies import attributes
from .....studies.book.space_changes import entry_words
from .....studies.records.study import StudySummary, formats_of
from ....progress.format import short
from ....progress.rungs import strategy_words
from ..material import Material
from .registry import register_section

LINES = 300
"""Lines of a space file that are shown: longer ones list choices, which the table has in words."""

DIMENSIONS = 200
"""Dimensions that are listed."""


@register_section("question", place=10)
def question(material: Material) -> Section | None:
    """The study's identity and its space; None where nothing of that is known."""
    facts = {name: value for name, value in _facts(material).items() if value}
    blocks: list[Block] = [Facts(facts)] if facts else []
    blocks += [*_space(material)]
    return Section("What was asked", blocks) if blocks else None


def _facts(material: Material) -> dict[str, str]:
    summary, noted = material.summary, material.noted
    kept = summary.attributes
    return {
        "command": masked(_text(kept, attributes.COMMAND)),
        "objective": summary.goals,
        "strategy": _strategy(summary),
        "data": _data(material),
        "seed": _text(kept, attributes.SEED),
        "created": _text(kept, attributes.CREATED),
        "device": _device(noted),
        "arithmetic": ", ".join(formats_of(summary)),
        "versions": versions_words(kept),
        "git": git_words(noted),
    }


def _device(noted: Mapping[str, Any]) -> str:
    threads = noted.get("threads")
    each = f", {plural(threads, 'thread')} a worker" if threads else ""
    return _text(noted, "device") + each


def _strategy(summary: StudySummary) -> str:
    if summary.strategy is None:
        return ""
    picked = ", picked by auto" if summary.strategy.picked else ""
    return strategy_words(summary.strategy, "fold" if summary.folds else "epoch") + picked


def _data(material: Material) -> str:
    source = material.fixed.get("data.source")
    fingerprint = _text(material.summary.attributes, attributes.DATA_FINGERPRINT)
    return ", ".join([*([str(source)] if source else []), *([f"fingerprint {fingerprint}"] if fingerprint else [])])


def versions_words(kept: Mapping[str, Any]) -> str:
    """`python 3.12.3, torch 2.14.1`; empty where a study has kept none."""
    versions = kept.get(attributes.VERSIONS)
    return ", ".join(f"{name} {version}" for name, version in versions.items()) if isinstance(versions, dict) else ""


def git_words(noted: Mapping[str, Any]) -> str:
    """The commit of the folder that the study was run in; empty where it was no checkout."""
    git = noted.get("git")
    if not isinstance(git, dict) or not git.get("commit"):
        return ""
    return f"{git['commit']}" + (", with changes that are not committed" if git.get("changed") else "")


def _space(material: Material) -> Iterator[Block]:
    rows = [[key, _when(entry), _words(entry), _best(material, key)] for key, entry in material.dimensions.items()]
    if rows:
        yield Table(["dimension", "where", "values", "of the best"], rows[:DIMENSIONS])
    if len(rows) > DIMENSIONS:
        yield Text(f"And {len(rows) - DIMENSIONS:,} more dimensions.", quiet=True)
    if material.space:
        lines = material.space.splitlines()
        more = [f"# and {len(lines) - LINES:,} more lines"] if len(lines) > LINES else []
        yield Code("\n".join([*lines[:LINES], *more]))


def _words(entry: Mapping[str, Any]) -> str:
    try:
        return entry_words(entry)
    except (KeyError, TypeError):  # of another version, or edited
        return "not known"


def _when(entry: Mapping[str, Any]) -> str:
    when = entry.get("when")
    return ", ".join(" = ".join(map(str, pair)) for pair in when) if isinstance(when, list) else ""


def _best(material: Material, key: str) -> str:
    params = material.ranked[0].params if material.ranked else {}
    return short(params[key]) if key in params else ""


def _text(values: Mapping[str, Any], key: str) -> str:
    return str(values.get(key, "") if values.get(key) is not None else "")
