"""The terms of the book: what it is given, and what it answers."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar

from optuna.distributions import BaseDistribution
from optuna.trial import TrialState as TrialState  # the state of a trial is a term of the book, too

from .choice import BEGIN, WAIT, Choice
from .feed import News

Claim = TypeVar("Claim")


@dataclass(frozen=True, slots=True)
class Row:
    """The objective of an epoch (from 1) of trial `number`; `others` are the values of further ones."""

    number: int
    epoch: int
    value: float
    others: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """The decision to end a trial after `epoch`."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Pause:
    """The decision to pause a trial after `epoch`, at `rung` (from 0)."""

    epoch: int
    rung: int


@dataclass(frozen=True, slots=True)
class Audited:
    """The decision that a trial runs on to its end which would have been stopped after `epoch`, or paused at `rung`."""

    epoch: int
    rung: int | None = None


Decided = Stop | Pause | Audited


class Plan(Protocol):
    """What a search decides of the trials of its study; it must not touch the store."""

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """Say which trials stop or pause, or would but for an audit, by number, given the next rows of the record."""
        ...

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Choose what a free worker does.

        `paused` are the numbers of the trials that are paused now, `complete` those of the trials that have become
        complete since the last call. See Scheduler.choose for the rest.
        """
        ...

    def hopeless(self, paused: Collection[int], limit: int | None) -> Collection[int]:
        """The trials of `paused` that can never go on in a study of `limit` trials, None for no limit; each once."""
        ...

    def spend(self) -> None:
        """Note that nothing new is left to begin, and that there are epochs to spend on what is paused."""
        ...


class FirstCome:
    """Pauses nothing, and begins as many trials as can be."""

    def decide(self, rows: Sequence[Row]) -> Mapping[int, Decided]:
        """Stop and pause nothing."""
        return {}

    def choose(self, paused: Collection[int], complete: Iterable[int], *, can_begin: bool, is_idle: bool) -> Choice:
        """Begin a trial where that can be."""
        return BEGIN if can_begin else WAIT

    def hopeless(self, paused: Collection[int], limit: int | None) -> Collection[int]:
        """Name none."""
        return ()

    def spend(self) -> None:
        """Do nothing: nothing is paused."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The answer to a write: whether the trial was still this coordinator's.

    `state` is that of the trial in the study, `rung` where it is paused now, `recorded` are the epochs that were
    missing. Where the trial was not held, nothing was written, and it is forgotten.
    """

    held: bool
    state: TrialState
    rung: int | None = None
    recorded: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reports:
    """The answer to a batch of epochs: trials that are lost, decisions on the others, and epochs that were recorded."""

    lost: Mapping[int, Fence]
    decided: Mapping[int, Decided]
    recorded: Collection[tuple[int, int]] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """A trial that is about to begin or to go on.

    `fixed` are values that were enqueued, `params` those that it has drawn before, `attributes` its user attributes,
    `curve` its objective by epoch in former runs, `generation` the number of this claim. `news` reads what has
    become of the trials of the study since it was last called.
    """

    number: int
    generation: int
    news: Callable[[], News]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    curve: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beginning(Generic[Claim]):
    """What a trial begins with, to be written with its owner.

    `claim` is None where it cannot begin, for the reason `refusal`; `params` are those that it has drawn just now.
    """

    claim: Claim | None
    params: Mapping[str, Any] = field(default_factory=dict)
    distributions: Mapping[str, BaseDistribution] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Exhausted:
    """No new trial can begin: each of the `configurations` was tried, or runs.

    They are those of the `scope`, which is the space or a grid over it.
    """

    configurations: int
    scope: Literal["space", "grid"] = "space"


@dataclass(frozen=True, slots=True)
class Refused:
    """A waiting trial that cannot be run, told FAIL for `reason`."""

    number: int
    params: Mapping[str, Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A trial that nobody runs any more, told PRUNED with the `value` that it reached.

    It was to be stopped as its coordinator died, or was paused at `rung` as the study came to its end.
    """

    number: int
    params: Mapping[str, Any]
    value: float | None
    rung: int | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """The trials that were told PRUNED at once, since none of them is to go on."""

    trials: Sequence[Stopped]


NoClaim = Refused | Stopped | Settled | Exhausted
"""An answer to a claim by which nothing begins."""


@dataclass(frozen=True, slots=True)
class TrialOutcome:
    """How a trial ended, as the study keeps it.

    `value` is its objective, None where no epoch ended, `others` are those of further ones; `complete` whether it ran
    to its end; `usable` is False where the configuration itself was at fault; `notes` are attributes by name;
    `excesses` say by how much it breaks each constraint, 0 or less where it keeps to it.
    """

    value: float | None
    complete: bool
    usable: bool
    notes: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[float, ...] = ()
    excesses: Mapping[str, float] = field(default_factory=dict)

    @property
    def values(self) -> tuple[float, ...] | None:
        """The values of all objectives; None where there is none."""
        return None if self.value is None else (self.value, *self.others)
