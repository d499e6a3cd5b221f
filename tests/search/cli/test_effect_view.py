"""What decided, as `hpo show` tells it."""

import io

import pytest
from hpo.search.cli.effect_view import effect_parts
from hpo.search.cli.tables import Screen
from hpo.studies.records.effects import Effect, Share
from hpo.studies.records.regions import Region

LR = Effect("optimizer.sgd.lr", 0.361, 0.17, 0.69, 42, 10, Region(0.0206, 0.4218, 0.01, 0.5), (), False)
OPTIMIZER = Effect("optimizer", 0.1, 0.05, 0.2, 70, 10, None, (Share("adamw", 1, 30), Share("sgd", 9, 40)), False)
FLIP = Effect("augment.flip", 0.0, 0.0, 0.02, 70, 10, None, (Share(False, 5, 30), Share(True, 5, 40)), True)
WIDTH = Effect("model.width", 0.02, 0.0, 0.2, 70, 10, Region(8, 32, 8, 64), (), True)


def printed(*effects: Effect, width: int = 120) -> str:
    screen = io.StringIO()
    for part in effect_parts(effects):
        Screen(file=screen, width=width).print(part)
    return screen.getvalue()


def test_what_certainly_decided_is_a_table_and_what_never_did_a_line() -> None:
    lines = [line.split() for line in printed(LR, OPTIMIZER, WIDTH, FLIP).splitlines() if line.strip()]
    assert lines[2] == ["optimizer.sgd.lr", "0.36", "0.17", "to", "0.69", "42", "0.0206", "to", "0.422"]
    assert lines[3] == ["optimizer", "0.10", "0.05", "to", "0.20", "70", "sgd", "(9", "of", "10),", "adamw", "(1)"]
    assert lines[4:] == [["never", "mattered:", "augment.flip"]]  # of the width nothing is certain


@pytest.mark.parametrize("width", [60, 80, 120])
def test_it_fits_any_terminal(width: int) -> None:
    lines = printed(LR, OPTIMIZER, width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any("…" in line for line in lines)
    assert any("sgd (9 of 10), adamw (1)" in line for line in lines)


def test_where_nothing_is_certain_nothing_is_said() -> None:
    assert printed(WIDTH) == printed() == ""
