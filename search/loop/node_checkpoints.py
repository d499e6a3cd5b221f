"""Checkpoints that the nodes of a cluster share themselves: the coordinator moves the pointers of their trials.

A trial points to what has arrived before it is put back or told. Where somebody else has claimed it meanwhile, the book
refuses that, and what the trainer that was given up has written is removed.
"""

from dataclasses import dataclass, field
from functools import partial

from ...studies.book.pointers import Pointer
from ...studies.shared_files.checkpoint import Checkpoint
from ...training.checkpoints.files import BEST
from ..configuration.claim import Claim
from ..executors.base import Shared
from ..executors.errand import in_thread
from .checkpoints import KEPT
from .sharing import Begin, Then
from .stored_checkpoints import StoredCheckpoints

_REMOVAL = "removal of checkpoints"  # one that fails is made up for when the trial ends


@dataclass
class NodeCheckpoints(StoredCheckpoints):
    """Follows what nodes share: what each trial points to, and what has arrived since."""

    _shared: dict[int, Checkpoint | None] = field(default_factory=dict)
    _arrived: dict[int, Checkpoint] = field(default_factory=dict)

    def begin(self, claim: Claim, then: Begin) -> None:
        """Begin a trial from the checkpoint that it points to."""
        pointer = self.book.pointers().get(claim.number) if claim.generation > 1 else None
        shared = None if pointer is None else Checkpoint.from_json(pointer.value)
        self._shared[claim.number] = shared
        then(shared)

    def arrived(self, event: Shared) -> None:
        """Have a trial point to what has arrived, with the others of this turn, or before it leaves its slot."""
        if event.number in self._arrived:  # what nobody has pointed to, nobody would remove
            self._move()
        self._arrived[event.number] = event.checkpoint

    def leave(self, number: int, then: Then) -> None:
        """Put a trial back, which points to its last checkpoint."""
        self._move()
        self._shared.pop(number, None)
        then()

    def forget(self, number: int) -> None:
        """Follow no more of a trial that is somebody else's."""
        self._move()
        self._shared.pop(number, None)

    def ended(self, number: int) -> None:
        """Keep nothing but the weights of a trial that has ended among the best, and nothing of one that has not."""
        self._move()
        shared = self._shared.pop(number, None)
        if shared is not None and number in self.book.best(KEPT) and BEST in shared.files:
            self._point(number, Checkpoint(shared.generation, shared.epoch, {BEST: shared.files[BEST]}))
        super().ended(number)

    def turn(self) -> None:
        """Move pointers to what has arrived, and remove what is not needed."""
        self._move()
        super().turn()

    def _move(self) -> None:
        """Have trials point to what has arrived, and remove what they pointed to before."""
        arrived, self._arrived = self._arrived, {}
        if not arrived:
            return
        moved = self.book.move_pointers({n: Pointer(each.generation, each.to_json()) for n, each in arrived.items()})
        for number, checkpoint in arrived.items():
            former = self._shared.get(number)
            keys = frozenset() if former is None else former.keys
            if number in moved:
                self._shared[number] = checkpoint
                old = keys - checkpoint.keys
            else:  # somebody else has the trial
                old = checkpoint.keys - keys
            if old:
                in_thread(partial(self.files.trial(number).remove, old), _REMOVAL)

    def _point(self, number: int, weights: Checkpoint) -> None:
        """Have a trial that has ended point to its weights alone, and remove all else of it."""
        if self.book.move_pointers({number: Pointer(weights.generation, weights.to_json())}):
            in_thread(partial(self.files.trial(number).keep_only, weights.keys), _REMOVAL)
