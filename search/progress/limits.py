"""What ends a search, as a person reads it."""

from dataclasses import dataclass

from ...common.plural import plural
from .format import duration


@dataclass(frozen=True, slots=True)
class Limits:
    """The ends of a search besides a number of trials.

    `epochs` of all trials of the study, of which `epochs_before` were trained before this run; `timeout_s` seconds of
    this run; `until` a value of the objective; None for no such limit.
    """

    epochs: int | None = None
    epochs_before: int = 0
    timeout_s: float | None = None
    until: float | None = None
    until_converged: bool = False

    def words(self, trials: int | None) -> str:
        """`50 trials or 400 epochs`: all that may end it."""
        ends = [
            *([] if trials is None else [plural(trials, "trial")]),
            *([] if self.epochs is None else [plural(self.epochs, "epoch")]),
            *self._aims(),
            *([] if self.timeout_s is None else [duration(self.timeout_s)]),
        ]
        return " or ".join(ends)

    def counts(self, trials: int, total: int | None, epochs: int) -> str:
        """`12/50 trials, 130/400 epochs, to a value of 0.95`: where it stands with `epochs` of this run."""
        counts = [plural(trials, "trial") if total is None else f"{trials}/{total} trials"]
        if self.epochs is not None:
            counts.append(f"{self.epochs_before + epochs:,}/{self.epochs:,} epochs")
        return ", ".join([*counts, *(f"to {aim}" for aim in self._aims())])

    def share(self, trials: int, total: int | None, epochs: int, elapsed_s: float) -> float:
        """How much of the nearest limit is used up, 0 where none can be counted."""
        shares = [0.0] if total is None else [trials / total]
        if self.epochs is not None:
            shares.append((self.epochs_before + epochs) / self.epochs)
        if self.timeout_s is not None:
            shares.append(elapsed_s / self.timeout_s)
        return max(shares)

    def _aims(self) -> list[str]:
        aims = [] if self.until is None else [f"a value of {self.until:g}"]
        return [*aims, "convergence"] if self.until_converged else aims
