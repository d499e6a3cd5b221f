"""Texts and trees of any kind: each loads as a space or is refused."""

import json
import tempfile
from pathlib import Path

from hpo.errors import SpaceError
from hpo.spaces.load import load_space
from hpo.spaces.node import MOST_MISTAKES
from hpo.training.config import TrialConfig
from hypothesis import given, settings
from hypothesis import strategies as st

from .generated import TREES, Tree, load, quick


def loads_or_refuses(text: str | bytes) -> None:
    try:
        load(text)
    except SpaceError as error:
        assert 1 <= len(str(error).splitlines()) <= MOST_MISTAKES + 1  # noqa: PT017


@settings(quick, max_examples=150)
@given(st.binary(max_size=200) | st.text(max_size=200))
def test_any_bytes_load_or_are_refused(text: str | bytes) -> None:
    loads_or_refuses(text)


MARKS = [*"{}[]:,-?&*!|>'\"%@`#~\n\t ", "\n  ", ": ", "- ", "---\n", "...", "<<", "&a ", "*a", "!!str "]
WORDS = "1e-4 .inf null true choices low high log step prior confidence name sgd ./n.py:N data model optimizer lr"
ODD = ["9" * 400, "1e400", "\ufeff", "\x85", "\u2028", "\ud800", "\x00"]
TOKENS = st.sampled_from([*MARKS, *WORDS.split(), *ODD])


@settings(quick, max_examples=150)
@given(st.lists(TOKENS, max_size=40).map("".join))
def test_any_tokens_load_or_are_refused(text: str) -> None:
    loads_or_refuses(text)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["sgd", "n.py:N"]),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["choices", "low", "high", "log", "step", "prior", "name", "lr", "x"]), inside, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(quick, max_examples=150)
@given(st.dictionaries(st.sampled_from(list(TrialConfig.model_fields)), ANYTHING, max_size=3))
def test_any_tree_loads_or_is_refused(tree: Tree) -> None:
    loads_or_refuses(json.dumps(tree))


@quick
@given(TREES, st.sampled_from(list(TrialConfig.model_fields)), st.text(max_size=12), ANYTHING.map(json.dumps))
def test_any_override_loads_or_is_refused(tree: Tree, head: str, tail: str, value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "space.yaml").write_text(json.dumps(tree), encoding="utf-8")
        for key in (head, f"{head}.{tail}", f"{head}.choices", f"{head}.name", f"{head}.sgd.lr", tail):
            try:
                load_space(f"{folder}/space.yaml", TrialConfig, [f"{key}={value}"])
            except SpaceError as error:
                assert 1 <= len(str(error).splitlines()) <= MOST_MISTAKES + 1  # noqa: PT017
