"""What `hpo extend` was asked to do."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hpo.errors import SpaceError
from hpo.search.commands.extend.options import ExtendOptions


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "one of --top K and --trial N must say which trials go on, got none"),
        ({"top": 1, "trial": "3"}, "got --top 1 and --trial 3"),
        ({"trial": "s/3"}, "--trial must be a trial's number, got 's/3'"),
        ({"top": 0}, "--top must be at least 1, got 0"),
        ({"top": 1, "epochs": 0}, "--epochs must be 1 to 100000, got 0"),
        ({"top": 1, "executor": "ray"}, "--executor must be process or inline, got 'ray'"),
    ],
)
def test_wrong_flags(options: Mapping[str, Any], words: str) -> None:
    with pytest.raises(SpaceError, match=words):
        ExtendOptions(**options)


def test_the_command_line_of_options() -> None:
    options = ExtendOptions("s", trial=("3", "5,7"), epochs=30, trust=True, storage="mysql://u:secret@h/d")
    assert options.numbers == (3, 5, 7)
    assert options.command == ("hpo extend --study s --trial 3,5,7 --epochs 30 --storage 'mysql://u:***@h/d' --trust")
    assert replace(options, trial=4).numbers == (4,)
