"""Recovery of the trials that dead coordinators have left."""

from collections.abc import Callable, Sequence
from datetime import datetime

from optuna.trial import FrozenTrial, TrialState

from ...errors import StudyError
from .. import attributes
from ..store.heartbeats import Heartbeat, heartbeats
from ..store.rows import Transaction
from .holdings import Holdings
from .owner import Owner, grace_in, is_orphan, is_owner, owner_in
from .put_back import put_back
from .watch import Silence, Watch


class Recovery:
    """Finds the trials of `holdings`' study whose coordinators are dead.

    `now` is in seconds since the epoch, by a clock that is never set; `note` is told what is waited for.
    """

    def __init__(self, holdings: Holdings, now: Callable[[], float], note: Callable[[str], None]) -> None:
        self._holdings, self._now, self._note = holdings, now, note
        self._watch = Watch(now)
        self._noted: set[object] = set()
        self.awaits_machine = False
        """Whether another machine may be searching the study in an SQLite file, as of the last recovery."""

    def recover(self) -> list[int]:
        """Put the trials of dead coordinators back; return their numbers.

        It may be repeated, and killed in the middle. In an SQLite file a coordinator that cannot be looked up is dead
        when it was watched for its grace and gave no sign of life.

        Raises:
            StudyError: the study is in an SQLite file, and another machine is searching it.
        """
        running, now, up_s = self._running()
        beats = heartbeats(self._holdings.study._storage, self._holdings.study._study_id) if running else {}
        self._watch.forget_all_but({trial._trial_id for trial in running})
        orphans, self.awaits_machine = [], False
        for trial in running:
            beat = beats.get(trial._trial_id)
            silence = self._silence(trial, beat, now, up_s)
            # a claim of ours of which nobody knows is one whose answer was lost: the server was gone as it was written
            lost = self._holdings.is_ours(trial.user_attrs.get(attributes.OWNER))
            one_machine, has_heartbeat = self._holdings.on_one_machine, beat is not None
            if lost or is_orphan(trial, silence.seconds, now, has_heartbeat=has_heartbeat, one_machine=one_machine):
                orphans.append(trial)
            elif one_machine:
                self._await(trial, silence)
        if not orphans:
            return []
        with self._holdings.transaction() as rows:
            return [trial.number for trial in orphans if _orphaned(rows, trial)]

    def _running(self) -> tuple[Sequence[FrozenTrial], float, float]:
        """The running trials that are not ours, the time of the store, and for how long its server has been up."""
        holdings = self._holdings
        with holdings.look() as rows:
            census, now, up_s = holdings.census.read(rows), holdings.time(rows), rows.uptime()
            census()
            others = rows.trials(holdings.others)() if holdings.others else []
            return [trial for trial in others if trial.state is TrialState.RUNNING], now(), up_s()

    def _silence(self, trial: FrozenTrial, beat: Heartbeat | None, now: float, up_s: float) -> Silence:
        """How long a trial has given no sign of life."""
        owner = trial.user_attrs.get(attributes.OWNER)
        if is_owner(owner):
            if not self._holdings.on_one_machine:  # the server's clock wrote the heartbeat
                # nobody could give a sign of life to a server that was down
                return Silence(min(now - owner["seen"], up_s), has_moved=False)
            return self._watch.look(trial._trial_id, owner)
        if beat is not None and beat.age_s is not None:
            return Silence(beat.age_s, has_moved=False)
        return self._watch.look(trial._trial_id, beat and beat.at)

    def _await(self, trial: FrozenTrial, silence: Silence) -> None:
        """Say once what becomes of the trials of an owner that may live; refuse one on another machine that does."""
        attribute = trial.user_attrs.get(attributes.OWNER)
        if not is_owner(attribute) or (owner := owner_in(attribute)).is_near:
            return
        if owner.is_elsewhere:
            if silence.has_moved:
                raise StudyError(_REFUSAL.format(host=owner.host, minutes=grace_in(attribute) / 60))
            self.awaits_machine = True
        if owner not in self._noted:
            self._noted.add(owner)
            self._note(_waiting(trial.number, owner, self._now() + grace_in(attribute) - silence.seconds))


_REFUSAL = """\
{host} is searching the same study, and an SQLite file cannot be shared by two machines
  keep the study on a server: --storage postgresql://user:password@host/name
  or end the search there, and begin here when it has been silent for {minutes:g} minutes"""


def _waiting(number: int, owner: Owner, until_s: float) -> str:
    until = f"{datetime.fromtimestamp(until_s):%H:%M:%S}"
    if owner.is_elsewhere:
        return (
            f"trial {number} is run on {owner.host}, which may be searching this study still: as an SQLite file is for "
            f"one machine, nothing begins here before {until}, or at all where {owner.host} gives a sign of life"
        )
    return (
        f"trial {number} is run in another container, whose processes cannot be looked up here: "
        f"it is continued here if that gives no sign of life until {until}"
    )


def _orphaned(rows: Transaction, trial: FrozenTrial) -> bool:
    """Put an orphan back; False where somebody has claimed or told it since it was read."""
    trial_id, generation = trial._trial_id, trial.user_attrs.get(attributes.GENERATION)
    states, generations = rows.states([trial_id]), rows.attribute(attributes.GENERATION, [trial_id])
    if states()[trial_id] is not TrialState.RUNNING or generations().get(trial_id) != generation:
        return False
    before = trial.user_attrs.get(attributes.ORPHANED) or {}
    epochs = len(trial.intermediate_values)
    times = before["times"] + 1 if before.get("epochs") == epochs else 1
    put_back(rows, [trial_id], {attributes.ORPHANED: {"times": times, "epochs": epochs}})
    return True
