"""Two machines share a study on a server and a folder: each trial's newest checkpoint is where the other finds it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import optuna
import pytest
from hpo.search.configuration.claim import Claim
from hpo.search.loop.checkpoints import KEPT
from hpo.search.loop.shared_checkpoints import SharedCheckpoints
from hpo.search.loop.stored_checkpoints import HURRY_S, WAIT_S
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.book.terms import Beginning, Opening, TrialOutcome
from hpo.studies.shared_files.checkpoint import Checkpoint
from hpo.studies.shared_files.folder import Folder
from hpo.studies.shared_files.location import open_location
from hpo.studies.shared_files.object_store import ObjectStoreError
from hpo.studies.shared_files.study_files import join
from hpo.studies.store.storage import open_storage
from hpo.training.checkpoints.checkpoint import load, save_pair, save_partial
from hpo.training.checkpoints.files import BEST, LAST, PARTIAL, epochs_of, remove_checkpoints
from hpo.training.config import TrialConfig
from optuna.trial import FrozenTrial

from ...servers import Server

NOTHING = {attributes.CONFIG: "{}"}


@dataclass
class Machine:
    """A coordinator with a home of its own; `train` does what a worker does to a trial's folder."""

    home: Path
    url: str
    location: str
    notes: list[str] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        self.storage = storage = open_storage(self.url)
        self.study = optuna.create_study(storage=storage, study_name="s", direction="maximize", load_if_exists=True)
        self.book: Book[Claim] = Book(self.study, self._begin, time.time)
        self.files = join(storage, "s", open_location(self.location))
        self.sharing = SharedCheckpoints(self.book, self.files, self.notes.append, lambda: self.now, self.directory)

    def _begin(self, opening: Opening) -> Beginning[Claim]:
        claim = Claim(opening.number, {}, TrialConfig(), dict(opening.curve), "", opening.generation)
        return Beginning(claim, attributes=NOTHING)

    def directory(self, number: int) -> Path:
        return self.home / str(number)

    def claim(self) -> int:
        claim = self.book.claim(100)
        assert isinstance(claim, Claim)
        begun: list[int] = []
        self.sharing.begin(claim, lambda _: begun.append(claim.number))
        self.until(lambda: begun)
        return claim.number

    def train(self, number: int, epoch: int, best: int | None = None) -> None:
        self.directory(number).mkdir(parents=True, exist_ok=True)
        best = best or epoch
        last = {"history": [{}] * epoch, "best_epoch": best}
        save_pair(self.directory(number), last, {"epoch": best} if best == epoch else None)

    def share(self, number: int, epoch: int) -> None:
        """Train to an epoch, and see it shared."""
        self.train(number, epoch)
        self.until(lambda: (shared := self.shared(number)) is not None and shared.epoch == epoch and not _removals())

    def until(self, condition: Callable[[], object]) -> None:
        for _ in range(1000):
            self.sharing.turn()
            if condition():
                return
            time.sleep(0.01)
        raise AssertionError(self.notes)

    def trial(self, number: int) -> FrozenTrial:
        return self.storage.get_all_trials(self.study._study_id)[number]  # a study keeps what has ended

    def shared(self, number: int) -> Checkpoint | None:
        return Checkpoint.from_json(self.trial(number).user_attrs.get(attributes.CHECKPOINT))

    def finish(self, number: int, value: float, *, complete: bool = True) -> None:
        """End a trial as the loop does."""
        self.book.finish(number, TrialOutcome(value, complete, usable=True))
        keep = BEST if number in self.book.best(KEPT) else ""
        remove_checkpoints(self.directory(number), keep)
        self.sharing.ended(number)
        self.settle()

    def release(self, number: int) -> None:
        self.sharing.leave(number, lambda: self.book.release(number) and None)
        self.settle()

    def settle(self) -> None:
        self.until(lambda: not self.sharing.is_busy and not _removals())

    def kill(self) -> None:
        """Make this process, for whoever looks, a dead one's successor."""
        for trial in self.study.get_trials():
            if owner := trial.user_attrs.get(attributes.OWNER):
                dead = {**owner, "started": owner["started"] - 3600}
                self.study._storage.set_trial_user_attr(trial._trial_id, attributes.OWNER, dead)

    def objects(self, number: int) -> set[str]:
        return set(self.files.store.keys(f"{self.files.prefix}/trials/{number}"))


def _removals() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("removal")]


@pytest.fixture(params=["folder", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "shared") if request.param == "folder" else str(request.getfixturevalue("s3"))


@pytest.fixture
def machines(postgres: Server, tmp_path: Path, location: str) -> tuple[Machine, Machine]:
    url = postgres.emptied()
    return Machine(tmp_path / "a", url, location), Machine(tmp_path / "b", url, location)


def test_a_killed_machines_trial_goes_on_elsewhere_from_its_last_epoch(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    assert one.claim() == 0
    for epoch in (1, 2, 3):
        one.share(0, epoch)
        assert one.objects(0) == set(one.shared(0).keys)  # no more than the newest
    one.kill()
    assert other.book.recover() == [0]
    assert other.claim() == 0
    assert len(load(other.directory(0) / LAST)["history"]) == 3
    assert load(other.directory(0) / BEST)["epoch"] == 3
    other.share(0, 4)
    assert other.shared(0).generation == 2
    assert other.objects(0) == set(other.shared(0).keys)
    assert not one.notes + other.notes


def test_weights_that_stay_the_best_are_written_once(machines: tuple[Machine, Machine]) -> None:
    one, _ = machines
    assert one.claim() == 0
    one.share(0, 1)
    first = one.shared(0)
    one.train(0, 2, best=1)
    one.until(lambda: one.shared(0).epoch == 2)
    assert one.shared(0).files[BEST] == first.files[BEST]
    assert one.shared(0).files[LAST] != first.files[LAST]


def test_a_fenced_machine_cannot_move_the_pointer_and_takes_its_objects_away(machines: tuple[Machine, Machine]) -> None:
    frozen, other = machines
    assert frozen.claim() == 0
    frozen.share(0, 2)
    frozen.kill()
    assert other.book.recover() == [0]
    assert other.claim() == 0
    other.share(0, 3)
    frozen.train(0, 9)
    frozen.until(lambda: 0 not in frozen.sharing._trials and not _removals())
    assert other.shared(0).epoch == 3
    assert other.objects(0) == set(other.shared(0).keys)


def test_what_is_put_back_takes_its_part_of_an_epoch_along(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    assert one.claim() == 0
    one.share(0, 2)
    save_partial(one.directory(0), {"epoch": 3})
    one.release(0)
    assert one.shared(0).files.keys() == {LAST, BEST, PARTIAL}
    assert other.claim() == 0
    assert epochs_of(other.directory(0) / PARTIAL).done == 3
    other.release(0)  # with nothing new
    assert one.claim() == 0
    assert one.shared(0).generation == 1


def test_a_machine_that_is_further_goes_on_from_its_own(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    assert one.claim() == 0
    one.share(0, 2)
    one.release(0)
    other.train(0, 5)
    assert other.claim() == 0
    assert epochs_of(other.directory(0) / LAST).done == 5
    other.until(lambda: other.shared(0).epoch == 5)


def test_what_was_tampered_with_is_not_loaded(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    assert one.claim() == 0
    one.share(0, 2)
    one.release(0)
    entry = one.shared(0).files[LAST]
    one.files.store.remove(entry.key)
    evil = one.home / "evil"
    evil.write_bytes(b"x" * entry.bytes)
    one.files.store.put(entry.key, evil)
    assert other.claim() == 0
    assert not (other.directory(0) / LAST).exists()
    (note,) = other.notes
    assert note.startswith("trial 0: its checkpoint cannot be fetched, ")
    assert note.endswith("is not the file that was put there; it is not used")


def test_the_store_holds_the_weights_of_the_best_and_no_more(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    for number in range(8):
        machine = machines[number % 2]
        assert machine.claim() == number
        machine.share(number, 1)
        machine.finish(number, number / 10, complete=number != 7)
    best = {6, 5, 4}
    for number in range(8):
        shared = one.shared(number)
        assert (shared is not None) == (number in best)
        assert len(one.objects(number)) == (number in best)
        assert shared is None or shared.files.keys() == {BEST}
    one.sharing.tidy()
    other.sharing.tidy()
    one.settle()
    assert {number for number in range(8) if one.objects(number)} == best


def test_what_a_killed_machine_has_left_goes_with_its_trial(machines: tuple[Machine, Machine]) -> None:
    one, other = machines
    assert one.claim() == 0
    one.share(0, 1)
    left = one.home / "left"
    left.write_bytes(b"x")
    one.files.store.put(f"{one.files.prefix}/trials/0/1/0123-last.ckpt", left)  # nobody points to it
    one.kill()
    other.book.recover()
    assert other.claim() == 0
    other.share(0, 2)
    other.finish(0, 0.5)
    assert len(other.objects(0)) == 1


def test_hopeless_trials_are_removed_while_they_are_paused(machines: tuple[Machine, Machine]) -> None:
    one, _ = machines
    for number in (0, 1):
        assert one.claim() == number
        one.share(number, 1)
    one.release(0)
    one.sharing.drop([0])
    one.settle()
    assert (one.objects(0), one.shared(0)) == (set(), None)
    assert one.shared(1) is not None


@pytest.fixture
def alone(postgres: Server, tmp_path: Path) -> Machine:
    return Machine(tmp_path / "a", postgres.emptied(), str(tmp_path / "shared"))


def test_a_store_that_fails_is_told_once_and_tried_again_with_the_next_checkpoint(
    alone: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ObjectStoreError("s3://x: cannot be written: it is full")

    assert alone.claim() == 0
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "put", fail)
        for epoch in (1, 2):
            alone.train(0, epoch)
            alone.until(lambda: alone.sharing._trials[0].errand is None)
        alone.release(0)
    words = "a checkpoint cannot be shared, s3://x: cannot be written: it is full; the next one is tried again"
    assert alone.notes == [words]
    assert alone.shared(0) is None
    assert alone.claim() == 0
    alone.share(0, 3)


def test_a_store_that_hangs_holds_a_trial_for_a_while_alone(alone: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    hang = threading.Event()
    monkeypatch.setattr(Folder, "put", lambda *_: hang.wait(60))
    released: list[int] = []
    for number, (limit_s, hurry) in enumerate(((WAIT_S, False), (HURRY_S, True))):
        assert alone.claim() == number
        alone.train(number, 1)
        if hurry:
            alone.sharing.hurry()
        alone.sharing.leave(number, lambda number=number: released.append(number))  # type: ignore[misc]
        for passed, is_released in ((limit_s - 1, False), (2, True)):
            alone.now += passed
            alone.sharing.turn()
            assert (number in released) == is_released
    hang.set()


def test_a_trial_is_cancelled_while_its_checkpoint_is_on_its_way(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (
        Machine(tmp_path / name, postgres.emptied() if name == "a" else postgres._shared, str(tmp_path / "s"))
        for name in "ab"
    )
    assert one.claim() == 0
    one.share(0, 1)
    one.release(0)
    hang = threading.Event()
    monkeypatch.setattr(Folder, "open", lambda *_: hang.wait(60))
    claim = other.book.claim(9)
    assert isinstance(claim, Claim)
    begun: list[int] = []
    other.sharing.begin(claim, lambda _: begun.append(0))
    other.sharing.turn()
    assert other.sharing.cancel() == [0]
    hang.set()
    other.sharing.turn()
    assert not begun
