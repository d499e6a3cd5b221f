"""The `hpo` program itself: how it ends."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("library", ["json", "triton"])
def test_python_ends_without_a_walk_unless_triton_would_call_that_a_leak(library: str) -> None:
    code = f"import gc, hpo.search.cli.app as app, {library}; app.end_soon(); print(gc.get_freeze_count() > 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == (str(library != "triton"), "")
