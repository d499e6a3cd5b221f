"""No two trials of a study draw from one seed, whatever people and coordinators have done to it."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import pytest
from hpo.search.configuration.claim import Claim, Claimer
from hpo.search.executors.clock import VirtualClock
from hpo.search.loop.outcome import outcome_of
from hpo.search.strategy.base import Proposer
from hpo.search.strategy.curves import Curves
from hpo.search.strategy.decide import Decide
from hpo.search.strategy.history import Finished
from hpo.search.strategy.samplers.registry import SAMPLERS
from hpo.search.strategy.schedulers.none import NoPruning
from hpo.search.strategy.strategy import Strategy
from hpo.spaces.parameter import Choice, Float, Scalar
from hpo.spaces.space import Fixed, SearchSpace
from hpo.studies.book.book import Book
from hpo.studies.store.storage import open_storage
from hpo.training.config import ObjectiveConfig
from hpo.training.report import EpochReport, Status, TrainResult
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .setting import propose

# a grid draws nothing
DRAWING = [name for name in SAMPLERS if name != "grid"]

LR, DECAY = "optimizer.lr", "optimizer.weight_decay"
SPACE = SearchSpace(
    "two",
    (Float(LR, 1e-4, 1.0, log=True), Float(DECAY, 1e-6, 1e-1, log=True), Choice("data.batch_size", (32, 64))),
    (Fixed("optimizer.name", "adamw"), Fixed("data.source", "digits")),
)
REPORT = EpochReport(1, {"val_accuracy": 0.5}, elapsed_s=1.0)
ENDED = outcome_of(TrainResult(Status.FINISHED, REPORT, (REPORT,)), ObjectiveConfig())


@dataclass
class _Noting:
    """A proposer, and the numbers that it was asked for: what it draws is seeded by them."""

    proposer: Proposer
    asked: list[int]

    def tell(self, trial: Finished) -> None:
        self.proposer.tell(trial)

    def size(self) -> float:
        return self.proposer.size()

    def ask(
        self, number: int, fixed: Mapping[str, Any], running: Mapping[int, Mapping[str, Any]]
    ) -> Mapping[str, Scalar] | None:
        self.asked.append(number)
        return self.proposer.ask(number, fixed, running)


class Desk:
    """A coordinator of its own connection to the file, who notes for which numbers it was asked to propose."""

    def __init__(self, directory: Path, sampler: str) -> None:
        self.study = optuna.create_study(
            storage=open_storage(f"sqlite:///{directory}/studies.db"), study_name="s", load_if_exists=True
        )
        self.seeded: list[int] = []
        self.drawn: list[Claim] = []
        proposer = _Noting(propose(sampler, SPACE), self.seeded)
        strategy = Strategy(SPACE, proposer, Decide(NoPruning(), Curves("maximize")))
        self.book = Book(self.study, Claimer(SPACE, strategy), VirtualClock().now)

    def claim(self) -> None:
        claim = self.book.claim(100)
        assert isinstance(claim, Claim), claim
        self.drawn.append(claim)

    def end(self) -> None:
        for number in self.book.mine[:1]:
            self.book.finish(number, ENDED)

    def pause(self) -> None:
        for number in self.book.mine[:1]:
            self.book.release(number)

    def enqueue(self) -> None:
        self.study.enqueue_trial({LR: 0.01})

    def add(self) -> None:
        self.study.add_trial(optuna.trial.create_trial(value=0.4))

    def ask_by_hand(self) -> None:
        """What a person does in a notebook; a trial that waits is what they get first."""
        self.study.ask()


ACTIONS: list[Callable[[Desk], None]] = [
    Desk.claim, Desk.claim, Desk.end, Desk.pause, Desk.enqueue, Desk.add, Desk.ask_by_hand,
]  # fmt: skip


def free_values(desks: list[Desk]) -> list[Any]:
    """By trial, the value of a parameter that nobody enqueues."""
    return list({claim.number: claim.params[DECAY] for desk in desks for claim in desk.drawn}.values())


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sampler=st.sampled_from(DRAWING),
    steps=st.lists(st.tuples(st.integers(0, 7), st.sampled_from(ACTIONS)), min_size=6, max_size=14),
)
def test_no_two_trials_share_a_seed(
    tmp_path_factory: pytest.TempPathFactory, sampler: str, steps: list[tuple[int, Callable[[Desk], None]]]
) -> None:
    directory = tmp_path_factory.mktemp("study")
    desks = {who: Desk(directory, sampler) for who in sorted({who for who, _ in steps})}
    for who, act in steps:
        act(desks[who])
    seeded = [number for desk in desks.values() for number in desk.seeded]
    assert len(set(seeded)) == len(seeded), "a seed was used twice"
    assert set(seeded) <= {claim.number for desk in desks.values() for claim in desk.drawn}
    values = free_values(list(desks.values()))
    assert len(set(values)) == len(values)


# before samplers learn, and after; what a Gaussian process thinks best can be the same edge of the space each time
@pytest.mark.parametrize(
    ("sampler", "ended"), [(name, ended) for name in DRAWING for ended in (0, 12) if (name, ended) != ("gp", 12)]
)
def test_of_what_is_enqueued_only_that_is_alike(tmp_path: Path, sampler: str, ended: int) -> None:
    desk = Desk(tmp_path, sampler)
    for _ in range(ended):
        desk.claim()
        desk.end()
    for _ in range(4):
        desk.enqueue()
    for _ in range(6):
        desk.claim()
    enqueued = [claim for claim in desk.drawn if claim.params[LR] == 0.01]
    assert len(enqueued) == 4
    values = free_values([desk])
    assert len(set(values)) == ended + 6


# note: what keeps Optuna's warnings quiet is the process's, so that threads lift it under each other; coordinators are
# processes
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("sampler", DRAWING)
def test_eight_coordinators_at_once_draw_as_many_values(tmp_path: Path, sampler: str) -> None:
    desks = [Desk(tmp_path, sampler) for _ in range(8)]
    for _ in range(4):
        desks[0].enqueue()
    together = threading.Barrier(len(desks))

    def work(desk: Desk) -> None:
        together.wait()
        desk.claim()
        desk.end()
        desk.claim()

    threads = [threading.Thread(target=work, args=(desk,)) for desk in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claim.number for desk in desks for claim in desk.drawn) == list(range(16))
    assert len(set(free_values(desks))) == 16
