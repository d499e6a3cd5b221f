"""What a free worker does next: resume a paused trial, begin a new one, or wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resume:
    """The choice that a free worker goes on with the paused trial `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class Begin:
    """The choice that a free worker begins a new trial."""


@dataclass(frozen=True, slots=True)
class Wait:
    """The choice that a free worker does neither: the trials that run have to come further first."""


Choice = Resume | Begin | Wait
BEGIN, WAIT = Begin(), Wait()
