"""docs/strategies.md: its commands run, and it says of every sampler and pruner what is so."""

import re
from collections.abc import Callable

import pytest
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.schedulers.hyperband import Hyperband
from hpo.search.strategy.schedulers.registry import SCHEDULERS
from hpo.search.strategy.strategies.registry import STRATEGIES

from .conftest import Reader

GUIDE = "strategies.md"
TextOf = Callable[[str], str]


@pytest.mark.slow
def test_the_guide_works_as_written(reader: Reader) -> None:
    outputs = reader.follow(GUIDE)
    assert "study try done: " in outputs[-1]
    shown = reader.run("sh", "hpo show try --json")
    assert '"optimizer.lr": 0.003' in shown


@pytest.mark.parametrize(
    ("section", "flag", "names"),
    [
        ("Strategies", "strategy", STRATEGIES),
        ("Samplers", "sampler", SAMPLERS),
        ("Pruners", "pruner", SCHEDULERS),
    ],
)
def test_every_strategy_is_told(section: str, flag: str, names: dict[str, object], text_of: TextOf) -> None:
    text = text_of(GUIDE)
    table = text.split(f"## {section}\n")[1].split("| name |")[1].split("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(names)
    assert f"| `--{flag}` |" in text
    accepted = re.search(rf"`--{flag}` \|[^|]*\|([^|]*)\|", text)
    assert accepted is not None
    assert sorted(re.findall(r"`(\w+)`", accepted[1])) == sorted(names)


@pytest.mark.parametrize(("epochs", "brackets"), [(9, 3), (26, 3), (27, 4), (80, 4)])
def test_the_brackets_of_hyperband(epochs: int, brackets: int, text_of: TextOf) -> None:
    assert "(9 to 26 epochs: three; 27 to 80: four)" in text_of(GUIDE)
    assert len({Hyperband(epochs).bracket(trial) for trial in range(100)}) == brackets
