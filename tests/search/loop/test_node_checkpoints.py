"""Checkpoints that nodes share themselves: what a trial points to follows, while it is the coordinator's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hpo.common.sqlite_url import sqlite_url
from hpo.search.configuration.claim import Claim
from hpo.search.executors.base import Shared
from hpo.search.executors.carriage import put
from hpo.search.loop.checkpoints import KEPT
from hpo.search.loop.node_checkpoints import NodeCheckpoints
from hpo.studies.shared_files.checkpoint import Checkpoint
from hpo.training.checkpoints.files import BEST, LAST

from .test_shared_checkpoints import Machine


class Coordinator(Machine):
    """A coordinator whose trials run on nodes; `node(number)` is the folder of a trial on one."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.sharing = NodeCheckpoints(self.book, self.files, self.notes.append, lambda: self.now)  # type: ignore[assignment]
        self.begun: dict[int, tuple[Claim, Checkpoint | None]] = {}

    def claim(self) -> int:
        claim = self.book.claim(100)
        assert isinstance(claim, Claim)
        self.sharing.begin(claim, lambda checkpoint: self.begun.update({claim.number: (claim, checkpoint)}))
        return claim.number

    def upload(self, number: int, epoch: int) -> Checkpoint:
        """Train to an epoch on the node, which shares that."""
        self.train(number, epoch)
        claim, former = self.begun[number]
        checkpoint = put(self.files.trial(number), self.directory(number), claim.generation, former)
        assert checkpoint is not None
        self.begun[number] = claim, checkpoint
        self.sharing.arrived(Shared(number, claim.generation, checkpoint))
        return checkpoint


@pytest.fixture
def coordinators(tmp_path: Path) -> Callable[[str], Coordinator]:
    url, location = sqlite_url(tmp_path / "studies.db"), str(tmp_path / "shared")
    return lambda name: Coordinator(tmp_path / name, url, location)


def test_a_trial_points_to_the_newest_and_older_ones_are_removed(coordinators: Callable[[str], Coordinator]) -> None:
    one = coordinators("a")
    number = one.claim()
    for epoch in (1, 2):  # two that arrive in one turn, and one in the next
        one.upload(number, epoch)
    one.settle()
    third = one.upload(number, 3)
    one.settle()
    assert one.shared(number) == third
    assert one.objects(number) == set(third.keys)


def test_a_trial_points_to_its_last_before_it_is_put_back_and_goes_on_from_there(
    coordinators: Callable[[str], Coordinator],
) -> None:
    one, other = coordinators("a"), coordinators("b")
    number = one.claim()
    last = one.upload(number, 2)
    released: list[int] = []
    one.sharing.leave(number, lambda: released.append(number) or (one.book.release(number) and None))
    assert released == [number]
    assert other.claim() == number
    claim, checkpoint = other.begun[number]
    assert (claim.generation, checkpoint) == (2, last)


def test_who_lost_a_trial_moves_nothing_and_takes_its_objects_away(
    coordinators: Callable[[str], Coordinator],
) -> None:
    frozen, other = coordinators("a"), coordinators("b")
    number = frozen.claim()
    frozen.upload(number, 2)
    frozen.settle()
    frozen.kill()
    assert other.book.recover() == [number]
    assert other.claim() == number
    theirs = other.upload(number, 3)
    other.settle()
    late = frozen.upload(number, 7)
    frozen.settle()
    assert other.shared(number) == theirs
    assert not set(late.keys - theirs.keys) & other.objects(number)
    assert set(theirs.keys) <= other.objects(number)


def test_of_the_best_the_weights_stay_and_of_others_nothing(coordinators: Callable[[str], Coordinator]) -> None:
    one = coordinators("a")
    for value in range(KEPT + 2):
        number = one.claim()
        one.upload(number, 3)
        one.finish(number, float(value))
    one.settle()
    kept = {number: one.shared(number) for number in range(KEPT + 2)}
    assert [number for number, shared in kept.items() if shared] == [2, 3, 4]
    for number, shared in kept.items():
        assert one.objects(number) == (set(shared.keys) if shared else set())
        assert shared is None or (BEST in shared.files and LAST not in shared.files)


def test_what_can_never_go_on_is_removed(coordinators: Callable[[str], Coordinator]) -> None:
    one = coordinators("a")
    number = one.claim()
    one.upload(number, 1)
    one.release(number)
    one.sharing.drop([number])
    one.settle()
    assert one.shared(number) is None
    assert one.objects(number) == set()
