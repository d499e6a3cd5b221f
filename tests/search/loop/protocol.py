"""The protocol of coordinators that share a study, as a model small enough to try every order of its steps.

Two coordinators claim, report, decide, pause, promote, release, recover and settle three trials; one of them may die
between any two steps, and one may be taken for dead while it lives.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

TOTAL, EPOCHS = 3, 2
DECISIONS = {0: "pause", 1: "stop", 2: "pause"}  # by trial, at its first epoch
PROMOTED = (2,)  # as soon as it is paused; the other one that pauses never is
FINISHED = ("complete", "pruned")
GOAL = ("pruned", "pruned", "complete")


class Trial(NamedTuple):
    """A trial in the store and on the disk: the epochs that were reported, and those in its checkpoint."""

    state: str = "new"
    owner: tuple[int, int] | None = None  # a coordinator and which of its lives
    reported: int = 0
    trained: int = 0
    decision: str = ""
    pauses: int = 0


class Run(NamedTuple):
    """A worker of a coordinator; `current` as long as nobody else has claimed or taken its trial."""

    trial: int
    done: int
    told: str = ""
    current: bool = True
    released: bool = False  # its trial was put back while it still trains


class Coordinator(NamedTuple):
    """A process with one slot; `life` counts its starts."""

    life: int = 0
    alive: bool = True
    run: Run | None = None
    counted: bool = False


class State(NamedTuple):
    """All there is, and what may still go wrong."""

    trials: tuple[Trial, ...] = (Trial(),) * (TOTAL + 1)  # one more than wanted, so that it can be begun by mistake
    coordinators: tuple[Coordinator, ...] = (Coordinator(), Coordinator())
    deaths: int = 0
    suspicions: int = 0
    interrupts: int = 0

    def with_trial(self, number: int, trial: Trial) -> "State":
        return self._replace(trials=(*self.trials[:number], trial, *self.trials[number + 1 :]))

    def with_run(self, c: int, run: Run | None) -> "State":
        return self.with_coordinator(c, self.coordinators[c]._replace(run=run))

    def with_coordinator(self, c: int, coordinator: Coordinator) -> "State":
        return self._replace(coordinators=(*self.coordinators[:c], coordinator, *self.coordinators[c + 1 :]))

    def taken(self, number: int) -> "State":
        """Nobody who had the trial has it any more."""
        coordinators = tuple(
            one._replace(run=one.run._replace(current=False)) if one.run and one.run.trial == number else one
            for one in self.coordinators
        )
        return self._replace(coordinators=coordinators)


@dataclass(frozen=True)
class Rules:
    """The rules of the protocol; one is turned off to see that it is needed."""

    fenced: bool = True  # a write names the owner that it is by, and is refused where that has changed
    decided_before_sent: bool = True  # a decision is in the store before the worker is told
    one_step: bool = True  # counting and drawing is one exclusive step
    killed_before_released: bool = True
    paused_as_decided: bool = True  # whatever ends a run that is to pause, its trial is paused
    cleared: bool = True  # the claim of a paused trial takes the decision back by which it was paused
    settled_when_idle: bool = True  # what is paused is ended once nothing runs or waits, and nothing is to be promoted


class BrokenError(AssertionError):
    """What must hold does not."""


def steps(state: State, rules: Rules) -> Iterator[State]:
    """The states that one step of anybody leads to."""
    for c, coordinator in enumerate(state.coordinators):
        if not coordinator.alive:
            yield state.with_coordinator(c, Coordinator(coordinator.life + 1))
            continue
        if state.deaths:
            left = state._replace(deaths=state.deaths - 1)
            yield left.with_coordinator(c, Coordinator(coordinator.life, alive=False))
        yield from recoveries(state, c, rules)
        yield from settlements(state, rules)
        if coordinator.run is None:
            yield from claims(state, c, rules)
        else:
            yield from works(state, c, coordinator.run, rules)


def claims(state: State, c: int, rules: Rules) -> Iterator[State]:
    counted = state.coordinators[c].counted
    begun = [trial.state for trial in state.trials if trial.state in ("running", "paused", *FINISHED)]
    if not rules.one_step and not counted:
        if len(begun) < TOTAL:
            yield state.with_coordinator(c, state.coordinators[c]._replace(counted=True))
    elif counted or len(begun) < TOTAL:
        free = next((n for n, trial in enumerate(state.trials) if trial.state == "waiting"), None)
        fresh = next((n for n, trial in enumerate(state.trials) if trial.state == "new"), None)
        number = free if free is not None else fresh
        if number is not None:
            yield claimed(state, c, number)
    for number in PROMOTED:
        trial = state.trials[number]
        if trial.state == "paused":
            cleared = trial._replace(decision="") if rules.cleared else trial
            yield claimed(state.with_trial(number, cleared), c, number)


def settlements(state: State, rules: Rules) -> Iterator[State]:
    """The end of the study for what is paused."""
    states = [trial.state for trial in state.trials[:TOTAL]]
    is_idle = not {"running", "waiting", "new"} & {*states}
    to_promote = any(states[number] == "paused" for number in PROMOTED)
    for number, trial in enumerate(state.trials):
        if trial.state == "paused" and ((is_idle and not to_promote) or not rules.settled_when_idle):
            yield state.with_trial(number, trial._replace(state="pruned"))


def claimed(state: State, c: int, number: int) -> State:
    state, trial = state.taken(number), state.trials[number]
    owner = c, state.coordinators[c].life
    state = state.with_trial(number, trial._replace(state="running", owner=owner))
    run = Run(number, trial.trained, told=trial.decision)  # a decision that was not carried out is carried out now
    return state.with_coordinator(c, state.coordinators[c]._replace(run=run, counted=False))


def works(state: State, c: int, run: Run, rules: Rules) -> Iterator[State]:
    trial = state.trials[run.trial]
    refused = rules.fenced and not run.current
    if run.released:  # without its rule, a worker that outlives the release of its trial
        yield state.with_run(c, None)
        return
    if run.done < EPOCHS and not run.told:
        trained = state.with_trial(run.trial, trial._replace(trained=max(trial.trained, run.done + 1)))
        yield trained.with_run(c, run._replace(done=run.done + 1))
    if refused:
        yield state.with_run(c, None)  # whatever it wanted to write: its worker is killed, the trial forgotten
        return
    if trial.reported < run.done:
        yield reported(state, c, run, rules)
    elif trial.decision and not run.told:
        yield state.with_run(c, run._replace(told=trial.decision))
    elif run.told == "pause":
        yield put(state, c, run, "paused")
    elif run.told == "stop":
        yield put(state, c, run, "pruned")
    elif run.done == EPOCHS:
        yield put(state, c, run, "complete")
    if state.interrupts:
        left = state._replace(interrupts=state.interrupts - 1)
        released = put(left, c, run, put_back(trial, rules))
        yield released if rules.killed_before_released else released.with_run(c, run._replace(released=True))


def reported(state: State, c: int, run: Run, rules: Rules) -> State:
    trial = state.trials[run.trial]
    if trial.state in FINISHED:
        raise BrokenError("an epoch was written to a trial that has ended")
    decision = DECISIONS.get(run.trial, "") if trial.reported == 0 else trial.decision
    if rules.decided_before_sent:
        return state.with_trial(run.trial, trial._replace(reported=run.done, decision=decision))
    written = state.with_trial(run.trial, trial._replace(reported=run.done))
    return written.with_run(c, run._replace(told=decision))


def put(state: State, c: int, run: Run, into: str) -> State:
    trial = state.trials[run.trial]
    if trial.state in FINISHED:
        raise BrokenError("a trial has ended twice")
    if trial.owner != (c, state.coordinators[c].life):
        raise BrokenError("the trial of somebody else was written to")
    return state.with_trial(run.trial, left(trial, into)).with_run(c, None)


def put_back(trial: Trial, rules: Rules) -> str:
    return "paused" if trial.decision == "pause" and rules.paused_as_decided else "waiting"


def left(trial: Trial, into: str) -> Trial:
    return trial._replace(state=into, owner=None, pauses=trial.pauses + (into == "paused"))


def recoveries(state: State, c: int, rules: Rules) -> Iterator[State]:
    for number, trial in enumerate(state.trials):
        if trial.owner is None:
            continue
        owner = state.coordinators[trial.owner[0]]
        dead = not owner.alive or owner.life != trial.owner[1]
        if dead or (state.suspicions and trial.owner[0] != c):
            after = state if dead else state._replace(suspicions=state.suspicions - 1)
            yield after.taken(number).with_trial(number, left(trial, put_back(trial, rules)))


def check(state: State) -> None:
    """What must hold in every state."""
    begun = [trial for trial in state.trials if trial.state != "new"]
    if len(begun) > TOTAL:
        raise BrokenError("more trials were begun than asked for")
    for number, trial in enumerate(state.trials):
        if (trial.state == "running") is not (trial.owner is not None):
            raise BrokenError("a trial runs without an owner")
        if trial.state in FINISHED and trial.state != GOAL[number]:
            raise BrokenError("a trial did not end as was decided")
        if trial.state == "waiting" and trial.decision == "pause":
            raise BrokenError("a trial waits that was to pause")
        if trial.pauses > 1:
            raise BrokenError("a trial was paused twice")
        if trial.state == "complete" and trial.reported != EPOCHS:
            raise BrokenError("an epoch was lost")
        workers = [one.run for one in state.coordinators if one.run and one.run.trial == number]
        if len([run for run in workers if run.current or run.released]) > 1:
            raise BrokenError("two workers train a trial")


def one_of_two(state: State) -> State:
    """The state, or the one in which the coordinators have changed places: what holds in one holds in the other.

    Always the same one of the two, in every process: hashes of texts differ from one to the next.
    """
    first, second = map(repr, state.coordinators)
    if first < second:
        return state
    trials = tuple(
        trial._replace(owner=(1 - trial.owner[0], trial.owner[1])) if trial.owner else trial for trial in state.trials
    )
    other = state._replace(trials=trials, coordinators=state.coordinators[::-1])
    return other if second < first else min(state, other, key=repr)


def explore(begin: State, rules: Rules) -> int:
    """Try every order of steps from `begin`; return the number of states, coordinators being alike.

    Raises:
        BrokenError: something does not hold, or a state has no way to the end.
    """
    states, places = [begin], {begin: 0}
    before: list[list[int]] = [[]]  # by the place of a state, those of the states that a step of leads to it
    todo = [0]
    while todo:
        place = todo.pop()
        check(states[place])
        for after in map(one_of_two, steps(states[place], rules)):
            if (found := places.setdefault(after, len(states))) == len(states):
                states.append(after)
                before.append([])
                todo.append(found)
            before[found].append(place)
    good = {place for place, state in enumerate(states) if tuple(trial.state for trial in state.trials[:TOTAL]) == GOAL}
    todo = list(good)
    while todo:
        for place in before[todo.pop()]:
            if place not in good:
                good.add(place)
                todo.append(place)
    if len(good) < len(states):
        raise BrokenError("a search cannot come to its end")
    return len(states)
