"""The trials of a coordinator, and the transactions in which it writes to them."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from threading import Lock
from typing import Any

import optuna
from optuna.trial import TrialState

from ...common.display import visible
from ...errors import StudyError
from .. import attributes
from ..records.others import Kept, with_epochs
from ..store.pipeline import Answer
from ..store.rows import Transaction
from ..store.study_reader import StudyGoneError, StudyReader
from ..store.transaction import engine_of, look, transaction
from .census import Census
from .owner import Owner, is_owner
from .put_back import put_back
from .terms import Fence, Row

FINISHED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


@dataclass(frozen=True, slots=True)
class Held:
    """A trial of this coordinator."""

    trial_id: int
    generation: int


class Holdings:
    """The trials of `study` that are `mine`, by number.

    `now` is the time in seconds since the epoch; after `grace_s` seconds without a heartbeat others take over.
    `several` tells that there are several objectives.
    """

    def __init__(self, study: optuna.Study, census: Census, now: Callable[[], float], grace_s: float) -> None:
        self.study, self.census, self._now, self._grace_s = study, census, now, grace_s
        self.mine: dict[int, Held] = {}
        self.several = len(study.directions) > 1
        self._engine = engine_of(study._storage)
        self._name = token_hex(8)
        # heartbeats come from a thread: they must not take for ours what another one is just putting back
        self._leaving = Lock()

    @property
    def on_one_machine(self) -> bool:
        """Whether all who share the store are on this machine."""
        return self._engine.dialect.name == "sqlite"

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction on the study.

        Raises:
            StudyError: the study was deleted.
        """
        with self._existing(), transaction(self._engine, self.study._study_id) as rows:
            yield rows

    @contextmanager
    def look(self) -> Iterator[StudyReader]:
        """A look at the study, which waits for nobody.

        Raises:
            StudyError: the study was deleted.
        """
        with self._existing(), look(self._engine, self.study._study_id) as rows:
            yield rows

    @contextmanager
    def _existing(self) -> Iterator[None]:
        """Say so where the study was deleted."""
        try:
            yield
        except StudyGoneError:
            raise StudyError(f"study {visible(self.study.study_name)} was deleted while it was searched") from None

    @contextmanager
    def writing(self, number: int) -> Iterator[tuple[Transaction, Fence]]:
        """A transaction on a trial of ours; it is forgotten where it is no longer ours."""
        with self.transaction() as rows:
            fence = self._fence_of(rows, number)()
            yield rows, fence
        if not fence.held:
            del self.mine[number]

    @contextmanager
    def leaving(self, number: int) -> Iterator[tuple[Transaction, Answer[Fence]]]:
        """A transaction in which a trial of ours ends or is put back; it is forgotten at the end."""
        with self._leaving:
            with self.transaction() as rows:
                yield rows, self._fence_of(rows, number)
            del self.mine[number]

    def put_all_back(self) -> None:
        """Put all of our trials back."""
        with self._leaving:
            with self.transaction() as rows:
                put_back(rows, self._held(rows))
            self.mine.clear()

    def beat(self) -> None:
        """Write a heartbeat; of trials that are no longer ours the next report finds out."""
        with self._leaving, self.transaction() as rows:
            owner = self.owner(rows)
            for trial_id in self._held(rows):
                rows.set_attributes(trial_id, {attributes.OWNER: owner()})

    def _held(self, rows: Transaction) -> list[int]:
        """The ids of those of our trials that are still ours."""
        mine = dict(self.mine)  # a claim may add one meanwhile
        return [mine[number].trial_id for number, fence in self.fences(rows, mine)().items() if fence.held]

    def _fence_of(self, rows: Transaction, number: int) -> Answer[Fence]:
        return self.fences(rows, [number]).then(lambda fences: fences[number])

    def epochs(self, rows: Transaction, numbers: Iterable[int]) -> Answer[set[tuple[int, int]]]:
        """Ask for the epochs that are written of our trials, as (trial id, epoch)."""
        return rows.epochs(self.mine[number].trial_id for number in numbers)

    def others_kept(self, rows: Transaction, numbers: Iterable[int]) -> Answer[dict[int, Kept]]:
        """Ask for what our trials are worth to further objectives, by id; nothing where there are none."""
        return rows.attribute(attributes.OTHERS, [self.mine[number].trial_id for number in numbers if self.several])

    def tell_pruned(self, rows: Transaction, trial_id: int, last: float | None) -> None:
        """Tell PRUNED with the value that it reported last, as Optuna does where there is one objective."""
        rows.tell(trial_id, TrialState.PRUNED, None if last is None or self.several else [last])

    def record(
        self,
        rows: Transaction,
        epochs: Sequence[Row],
        written: Container[tuple[int, int]],
        kept: Mapping[int, Kept],
    ) -> list[Row]:
        """Write epochs of our trials but for those that are written; return them.

        `kept` is what is written of further objectives, by id.
        """
        ids = {number: self.mine[number].trial_id for number in {each.number for each in epochs}}
        first = {(each.number, each.epoch): each for each in reversed(epochs)}
        new = [each for each in reversed(first.values()) if (ids[each.number], each.epoch) not in written]
        rows.add_epochs((ids[each.number], each.epoch, each.value) for each in new)
        for number, trial_id in ids.items() if self.several else ():
            others = sorted((each.epoch, each.others) for each in new if each.number == number)
            before = kept.get(trial_id, {})
            if (extended := with_epochs(before, others)) != before:
                rows.set_attributes(trial_id, {attributes.OTHERS: extended})
        return new

    def fences(self, rows: Transaction, numbers: Iterable[int]) -> Answer[dict[int, Fence]]:
        """Ask whether trials are still ours."""
        held = {number: self.mine[number] for number in numbers}
        ids = [each.trial_id for each in held.values()]
        states, notes = rows.states(ids), rows.attributes((attributes.GENERATION, attributes.PAUSED), ids)

        def read(states: Mapping[int, TrialState]) -> dict[int, Fence]:
            return {
                number: self._fence(rows, each, states[each.trial_id], notes().get(each.trial_id, {}))
                for number, each in held.items()
            }

        return states.then(read)

    def _fence(self, rows: Transaction, held: Held, state: TrialState, notes: Mapping[str, Any]) -> Fence:
        if state in FINISHED or notes.get(attributes.GENERATION) != held.generation:
            return Fence(False, state)
        if state is TrialState.WAITING or notes.get(attributes.PAUSED):
            # it was taken for orphaned, and nobody has begun it: it goes on here
            rows.set_attributes(held.trial_id, {attributes.OWNER: self.owner(rows)(), attributes.PAUSED: None})
            rows.set_state(held.trial_id, TrialState.RUNNING)
        return Fence(True, TrialState.RUNNING)

    @property
    def others(self) -> set[int]:
        """The ids of the trials that run and are neither ours nor paused, as of the last census."""
        return self.census.running - self.ids

    @property
    def ids(self) -> set[int]:
        """The ids of our trials."""
        return {held.trial_id for held in self.mine.values()}

    def owner(self, rows: StudyReader) -> Answer[dict[str, Any]]:
        """Ask for the attribute that says that a trial is ours, with the heartbeat of now."""
        return self.time(rows).then(lambda now: Owner.me().as_attribute(now, self._name, self._grace_s))

    def is_ours(self, owner: Any) -> bool:
        """Whether an attribute says that a trial is ours."""
        return is_owner(owner) and owner.get("book") == self._name

    def time(self, rows: StudyReader) -> Answer[float]:
        """Ask for the time of the store, in seconds since the epoch."""
        return rows.now().then(lambda now: self._now() if now is None else now)
