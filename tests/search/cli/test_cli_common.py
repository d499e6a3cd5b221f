"""What the commands of the command line share."""

import subprocess
import sys

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


@pytest.mark.parametrize("library", ["json", "triton"])
def test_python_ends_without_a_walk_unless_triton_would_call_that_a_leak(library: str) -> None:
    code = f"import gc, hpo.search.cli.app as app, {library}; app.end_soon(); print(gc.get_freeze_count() > 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (str(library != "triton"), "")
