"""What the commands of the command line share."""

import pytest
from hpo.errors import SpaceError
from hpo.search.cli.common import one_study


@pytest.mark.parametrize(
    ("argument", "option", "meant"), [("a", None, "a"), (None, "a", "a"), ("a", "a", "a"), (None, None, None)]
)
def test_a_study_is_named_by_position_or_by_flag(argument: str | None, option: str | None, meant: str | None) -> None:
    assert one_study(argument, option) == meant


def test_two_names_are_refused() -> None:
    with pytest.raises(SpaceError, match="STUDY and --study must name the same study, got 'a' and 'b'"):
        one_study("a", "b")
