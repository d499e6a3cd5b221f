"""Whether a study has what its goal asks for, by its record."""

from ...studies.book.book import Book
from ..configuration.claim import Claim
from .convergence import is_converged
from .goal import Goal, Outcome


class Budget:
    """What of `goal` the study of `book` has reached; time and the number of trials are the loop's own."""

    def __init__(self, goal: Goal, book: Book[Claim]) -> None:
        self._goal, self._book = goal, book
        self._sign = 1.0 if book.direction == "maximize" else -1.0

    def reached(self) -> Outcome | None:
        """The outcome that the goal has come to by now; None where the search goes on."""
        return self._reached_by_values() or self.reached_by_epochs()

    def reached_by_epochs(self) -> Outcome | None:
        """The same, where no trial has ended since the last look."""
        limit = self._goal.epochs
        if limit is not None and self._book.epochs() * self._goal.epochs_a_step >= limit:
            return Outcome.OUT_OF_EPOCHS
        return None

    def _reached_by_values(self) -> Outcome | None:
        goal = self._goal
        if goal.until is not None and self._is_at(goal.until):
            return Outcome.REACHED
        if goal.until_converged and self._is_converged():
            return Outcome.CONVERGED
        return None

    def _is_at(self, target: float) -> bool:
        return any(self._sign * (value - target) >= 0 for value in self._book.values().values())

    def _is_converged(self) -> bool:
        scores = {number: self._sign * value for number, value in self._book.values().items()}
        return is_converged(scores, self._book.counts().begun, self._goal.images)
