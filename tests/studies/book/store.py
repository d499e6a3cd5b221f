"""A study in a file, a clock, and books that share them."""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import optuna
from hpo.studies import attributes
from hpo.studies.book.book import Book
from hpo.studies.book.terms import Beginning, Opening, Row, Stop, TrialOutcome
from hpo.studies.store.patience import Patience
from hpo.studies.store.storage import open_storage
from hpo.studies.waiting import GRACE_S
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial

ENDED = TrialOutcome(value=0.5, complete=True, usable=True, notes={attributes.STATUS: "finished"})
X = {"x": FloatDistribution(0, 1)}


def begin(opening: Opening) -> Beginning[int]:
    """A claim is the trial's number; its x is drawn once."""
    drawn = {} if opening.params else {"x": opening.fixed.get("x", 1 / (opening.number + 2))}
    return Beginning(opening.number, drawn, X, {attributes.CONFIG: "{}"})


def never(rows: Sequence[Row]) -> Mapping[int, Stop]:
    return {}


class Store:
    """A store, a clock, and the coordinators that share them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.storage = open_storage(self.url)
        self.study = optuna.create_study(storage=self.storage, study_name="s", direction="maximize")
        self.now = 1000.0
        self.notes: list[str] = []
        self.while_away: Callable[[], None] = lambda: None

    @contextmanager
    def away(self) -> Iterator[sqlite3.Connection]:
        """Another program holds the file."""
        with closing(sqlite3.connect(str(self.storage.engine.url.database))) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield connection

    def book(
        self, deadline: float = float("inf"), *, url: str = "", grace_s: float = GRACE_S, skew_s: float = 0.0
    ) -> Book[int]:
        """A coordinator, perhaps by another way, with a clock that is wrong by `skew_s`."""
        study = optuna.load_study(study_name="s", storage=open_storage(url or self.url))
        patience = Patience(self.notes.append, self.sleep, lambda: self.now, deadline)
        return Book(study, begin, lambda: self.now + skew_s, patience, grace_s)

    def time(self) -> float:
        """What the clock of the store shows."""
        return self.now if self.url.startswith("sqlite") else time.time()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.while_away()

    def trial(self, number: int = 0) -> FrozenTrial:
        return self.study.get_trials()[number]

    def kill(self) -> None:
        """Make every owner so far a dead process."""
        for trial in self.study.get_trials():
            if owner := trial.user_attrs.get(attributes.OWNER):
                dead = {**owner, "started": owner["started"] - 3600}
                self.storage.set_trial_user_attr(trial._trial_id, attributes.OWNER, dead)


def file_store(directory: Path) -> Store:
    """A store in an SQLite file."""
    return Store(f"sqlite:///{directory}/studies.db")
