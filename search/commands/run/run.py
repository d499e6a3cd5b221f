"""`hpo run`, composed: space -> preflight -> study -> loop."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from math import inf
from typing import Any

from ....errors import HpoError
from ....studies.book.book import Book
from ....studies.book.heart import beating
from ....studies.book.holdings import FINISHED
from ....studies.home import Home
from ....studies.records.study import SHARES, StudySummary
from ....studies.records.summarise import summarise
from ....studies.records.trial import PAUSED
from ....studies.shared_files.study_files import choose_store, noted_files
from ....studies.store.patience import LeftError, Patience
from ....studies.store.room import no_room_note
from ....studies.store.storage import hush_optuna, open_storage, storage_to_write
from ....studies.tracking.events import StudyEnded, StudyStarted
from ....studies.tracking.mlflow.stores import keep_stores
from ....studies.tracking.mlflow_tracker import ship_pending
from ....studies.tracking.tracker import Tracker
from ....studies.tracking.tracker_kinds import TrackedStudy
from ....studies.tracking.trackers import open_trackers
from ...configuration.claim import Claim, Claimer
from ...configuration.example import example_config
from ...configuration.model_copies import ModelCopies
from ...executors.background import in_background
from ...executors.clock import Clock, SystemClock
from ...loop.budget import Budget
from ...loop.goal import Goal, Outcome, Places
from ...loop.interrupt import on_interrupt
from ...loop.loop import Loop
from ...loop.node_checkpoints import NodeCheckpoints
from ...loop.shared_checkpoints import SharedCheckpoints
from ...loop.sharing import Sharing
from ...progress.base import Standing
from ...progress.limits import Limits
from ...resolve.data import refuse_home_as_data
from ...resolve.trust import name_space
from .crew import Crew, LocalCrew
from .options import RAY, RunOptions
from .outset import check_command, finished_trials
from .prepare import Prepared, Watcher, prepare, record_run
from .ray_crew import RayCrew
from .share import share_files, store_location

DRAIN_S = 30.0  # how long the end of a run waits for MLflow
PAUSING = (
    "stopping: what runs is paused at its next batch, and goes on with the same command; Ctrl-C again stops at once"
)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a search: its outcome, its study, its unsent events.

    `outcome` says why it ended, `unsent` how many events MLflow still lacks.
    """

    outcome: Outcome
    study: StudySummary
    unsent: int

    def to_json(self) -> dict[str, Any]:
        """The object that `hpo run --json` prints."""
        return {**self.study.to_json(), "outcome": self.outcome.value, "unsent": self.unsent}


def run(options: RunOptions, watcher: Watcher) -> RunResult:
    """Search until the study has what `options` ask for.

    That is a number of finished trials, of epochs or a value, whichever comes first. It ends before that when the time
    is up, or at Ctrl-C.

    Raises:
        HpoError: the space, the data, the study or a flag is wrong.
        KeyboardInterrupt: Ctrl-C came twice.
    """
    hush_optuna()  # the watcher tells what happens
    command = check_command(options, watcher.note)
    space = command.space
    name_space(space, watcher.note)
    home = Home.locate(options.home)
    config = example_config(space)
    refuse_home_as_data(home.root, config.data.source)
    url = storage_to_write(options.storage, home)
    home.create(watcher.note)
    patience = Patience(watcher.note, give_up_s=options.storage_patience_s)
    storage = open_storage(url, patience)  # after home.create: the database may lie there
    if told := patience(lambda: no_room_note(storage.engine)):
        watcher.note(told)
    name = options.study or space.name
    location = store_location(options, home)
    shared = choose_store(location, patience(lambda: noted_files(storage, name)), name, watcher.note)
    left = None if options.trials is None else options.trials - patience(lambda: finished_trials(storage, name))
    crew: Crew = (
        LocalCrew(options, config.devices, home.study(name, "workers"), left)
        if shared is None or location is None or options.executor != RAY
        else RayCrew(options, config.devices, home, name, shared, location, left, watcher.note)
    )
    with crew:
        prepared = prepare(command, home, storage, shared, crew, watcher, patience)
        outcome, unsent = search(prepared, crew, watcher, patience)
    return RunResult(outcome, patience(lambda: summarise(storage, name)), unsent)


def search(prepared: Prepared, crew: Crew, watcher: Watcher, patience: Patience) -> tuple[Outcome, int]:
    """Run the loop; return its outcome and the number of unsent events."""
    clock = SystemClock()
    goal = _goal(prepared, clock)
    if (reached := _reached(prepared, goal, clock, patience)) is not None:
        return reached, _send_pending(prepared, watcher)
    record_run(prepared, prepared.placements[0].device)  # before the trackers, who are given these files
    if (shared := prepared.shared) is not None:
        models = prepared.identity.models
        patience(lambda: share_files(shared, prepared.study._storage, prepared.home, models))
    tracker = _tracker(prepared, watcher)
    places = Places(prepared.ready.pack, lambda number: prepared.home.trial(prepared.name, number))
    progress = watcher.progress(patience(lambda: _standing(prepared)))
    try:
        # left from right to left: the view closes after the last worker has ended
        with closing(progress), crew.executor(prepared.placements, prepared.shared) as executor, in_background():
            book = _book(prepared, clock, goal.deadline, progress.note)
            sharing = _sharing(prepared, book, places, clock, progress.note)
            loop = Loop(book, prepared.strategy, executor, tracker, progress, clock, goal, places, sharing)
            with beating(book), on_interrupt(loop.interrupt, lambda: progress.note(PAUSING)):
                outcome = loop.run()
    except HpoError as error:
        tracker.tell(StudyEnded("INTERRUPTED" if isinstance(error, LeftError) else "FAILED"))
        tracker.close(DRAIN_S)
        raise
    tracker.tell(StudyEnded("FINISHED" if outcome.is_final else "INTERRUPTED"))
    return outcome, tracker.close(DRAIN_S)


def _sharing(
    prepared: Prepared, book: Book[Claim], places: Places, clock: Clock, note: Callable[[str], None]
) -> Sharing:
    """How checkpoints are shared with the other machines of the study."""
    if prepared.shared is None:
        return Sharing()
    if prepared.options.executor == RAY:
        return NodeCheckpoints(book, prepared.shared, note, clock.now)
    return SharedCheckpoints(book, prepared.shared, note, clock.now, places.trial_directory)


def _goal(prepared: Prepared, clock: Clock) -> Goal:
    """The end of the search, in the time of `clock`."""
    options = prepared.options
    return Goal(
        trials=options.trials,
        deadline=clock.now() + (options.timeout_s or inf),
        epochs=options.max_epochs_total,
        until=options.until,
        until_converged=options.until_converged,
        images=_images(prepared),
        trial_timeout_s=options.trial_timeout_s or inf,
        only=prepared.only,
        epochs_a_step=example_config(prepared.space).epochs_a_step,
    )


def _reached(prepared: Prepared, goal: Goal, clock: Clock, patience: Patience) -> Outcome | None:
    """What of the goal the study has reached before the search begins."""
    # private, but Optuna has no public way from a study to its storage
    storage = prepared.study._storage
    if goal.only is not None:
        ended = {trial.number for trial in patience(lambda: prepared.study.get_trials(deepcopy=False, states=FINISHED))}
        return Outcome.DONE if goal.only <= ended else None
    if goal.trials is not None and patience(lambda: finished_trials(storage, prepared.name)) >= goal.trials:
        return Outcome.DONE
    return Budget(goal, _book(prepared, clock, goal.deadline, lambda _: None)).reached()


def _limits(prepared: Prepared, epochs: int) -> Limits:
    """The ends of the search besides the number of its trials, for the view of it, after `epochs` of former runs."""
    options = prepared.options
    return Limits(options.max_epochs_total, epochs, options.timeout_s, options.until, options.until_converged)


def _images(prepared: Prepared) -> int | None:
    """How many validation images the objective is a share of; None where it is none, such as a loss."""
    return prepared.ready.val_images if prepared.identity.metric in SHARES else None


def _send_pending(prepared: Prepared, watcher: Watcher) -> int:
    """Send the pending events of a study that has all its trials.

    Return how many MLflow still lacks.
    """
    if prepared.stores is None:
        return 0
    keep_stores(prepared.home, prepared.name, prepared.stores)
    return ship_pending(prepared.home, prepared.name, prepared.stores.tracking, watcher.note)


def _standing(prepared: Prepared) -> Standing:
    """The standing of the study as this search begins."""
    # private, but Optuna has no public way from a study to its storage
    summary = summarise(prepared.study._storage, prepared.name)
    top = summary.front[0] if summary.front else summary.best
    best = None if top is None or top.value is None else (top.value, top.number)
    # the states that count toward --trials
    done = sum(summary.counts[state] for state in ("complete", "pruned", "failed"))
    # interrupted trials, by the epochs they have already
    waiting = (trial for trial in summary.trials if trial.state == "waiting" and trial.epochs)
    begun = {each.number: each.epochs for each in waiting if prepared.only is None or each.number in prepared.only}
    paused = frozenset(trial.number for trial in summary.trials if trial.state == PAUSED)
    total, images, limits = prepared.options.trials, _images(prepared), _limits(prepared, summary.epochs_total)
    first = summary.metric if summary.further else ""
    return Standing(prepared.name, summary.direction, total, done, best, begun, paused, first, images, limits)


def _book(prepared: Prepared, clock: Clock, deadline: float, note: Callable[[str], None]) -> Book[Claim]:
    """The book of the study, which begins trials by the strategy."""
    models = ModelCopies(prepared.home.models(prepared.name), prepared.identity.models)
    begin = Claimer(prepared.space, prepared.strategy, prepared.ready.numerics, models)
    options = prepared.options
    patience = Patience(note, clock.sleep, clock.now, deadline, options.storage_patience_s)
    return Book(prepared.study, begin, clock.now, patience, options.grace_s)


def _tracker(prepared: Prepared, watcher: Watcher) -> Tracker:
    """Open the trackers, and tell them of the study."""
    home, name, stores = prepared.home, prepared.name, prepared.stores
    # `--tracking-uri none` leaves MLflow out
    names = [each for each in prepared.options.track if stores or each != "mlflow"]
    tracker = open_trackers(names, TrackedStudy(home, name, stores.tracking if stores else "none", watcher.note))
    identity, space = prepared.identity, prepared.space
    tags = {"space": space.name, "space_hash": space.hash, "data_fingerprint": identity.fingerprint}
    tags |= {"objective_at": identity.at}
    files = [home.study(name) / "space.yaml", home.study(name) / "study.json"]
    tracker.tell(StudyStarted(identity.metric, identity.direction, tags, files))
    return tracker
