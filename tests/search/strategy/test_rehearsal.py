"""What a sampler or a pruner needs is missing before a search begins, not after its first trial."""

import sys
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.common.registry import Registry
from hpo.errors import SpaceError
from hpo.search.commands.run.options import RunOptions
from hpo.search.commands.run.prepare import Watcher
from hpo.search.commands.run.run import run
from hpo.search.strategy.proposers.optuna import proposer_of
from hpo.search.strategy.rehearsal import rehearse
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.schedulers.registry import SCHEDULERS
from hpo.spaces.parameter import Choice, Float, Int
from hpo.spaces.space import SearchSpace

SPACE = SearchSpace("s", (Float("x", 0.1, 1.0, step=0.1), Int("y", 1, 4), Choice("z", ("a", "b"))))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_passes(sampler: str) -> None:
    rehearse(SPACE, sampler, "none")


@pytest.mark.parametrize("pruner", SCHEDULERS)
def test_every_pruner_passes(pruner: str) -> None:
    rehearse(SPACE, "random", pruner)


def nobody(*_: object) -> None:
    pass


def refusal_of(home: Path, **flags: str) -> str:
    """The message with which a run is refused, that has made nothing."""
    options = RunOptions(space="simple_cnn", trials=1, data="digits", home=home, **flags)
    with pytest.raises(SpaceError) as caught:
        run(options, Watcher(nobody, nobody, nobody))
    assert len(str(caught.value).splitlines()) <= 3
    assert not home.exists()
    return str(caught.value)


def test_a_package_that_qmc_needs_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy.stats.qmc", None)  # as if it was not installed
    message = refusal_of(tmp_path / "runs", sampler="qmc")
    assert message.startswith("--sampler qmc needs a package that cannot be imported: ")
    assert message.endswith("\n  install it: pip install scipy")


class Late(optuna.samplers.RandomSampler):
    """A sampler and a pruner that import what they need when they are first asked."""

    def sample_independent(self, *given: Any) -> Any:
        import not_installed  # noqa: F401

    on_report = sample_independent


@pytest.mark.parametrize(("flag", "registry"), [("sampler", SAMPLERS), ("pruner", SCHEDULERS)])
def test_so_is_one_that_any_other_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flag: str, registry: Registry[Any]
) -> None:
    make = (lambda *_: Late()) if registry is SCHEDULERS else proposer_of(lambda *_: Late())
    monkeypatch.setitem(registry._things, "late", make)
    message = refusal_of(tmp_path / "runs", **{flag: "late"})
    assert message.startswith(f"--{flag} late needs a package that cannot be imported: No module named 'not_installed'")
    assert message.endswith("\n  install it: pip install not_installed")
