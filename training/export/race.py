"""What a race of the best trials showed, as the manifest keeps it."""

from typing import Literal

from pydantic import Field

from ...common.manifest import ManifestPart

Outcome = Literal["won", "lost", "stopped", "failed"]


class RaceEntry(ManifestPart, frozen=True, extra="forbid"):
    """A trial that was trained again with fresh seeds."""

    trial: int
    selected: float = Field(description="The value that the search saw, and chose by.")
    values: tuple[float, ...] = Field(description="Of its fresh trainings, by repetition.")
    mean: float | None = Field(
        default=None, description="Of the fresh values, as if it had run all repetitions; None without any."
    )
    interval: tuple[float, float] | None = Field(default=None, description="Student, 95 %, of the mean.")
    optimism: float | None = Field(default=None, description="By how much the selected value is better than the mean.")
    probability: float | None = Field(default=None, description="That its mean is the best, given all fresh values.")
    outcome: Outcome = Field(
        description="stopped: before the last repetition; failed: a fresh training could not be used."
    )
    failure: str = Field(default="", description="How that training ended.")


class Race(ManifestPart, frozen=True, extra="forbid"):
    """The best trials of a study, trained again with fresh seeds, and which of them is the best by that."""

    seeds: int = Field(description="Repetitions of the winner.")
    validation: Literal["drawn anew", "given"] = Field(
        description="Whether each repetition had other validation images, the same for all trials."
    )
    stop_below: float = Field(description="A trial is stopped below this probability of being the best.")
    entries: tuple[RaceEntry, ...] = Field(description="As the search ranked them, the best first.")

    @property
    def winner(self) -> RaceEntry:
        """The trial that won."""
        return next(entry for entry in self.entries if entry.outcome == "won")
