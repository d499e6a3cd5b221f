"""The choice of the trials that go on, and what each trains then."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from ....common.display import visible
from ....common.fronts import best_first
from ....common.plural import plural
from ....errors import StudyError
from ....studies.book.extensions import Extension
from ....studies.records.ranking import worth
from ....studies.records.study import StudySummary
from ....studies.records.trial import PAUSED, TrialRecord
from ....training.config import TrialConfig
from ....training.length import depends_on_length
from ..retrain.choose import saved_config, with_data_as_now

_REST = ("complete", "pruned", PAUSED)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A trial that goes on as `extension`: its record, its own configuration, and that of the extension."""

    record: TrialRecord
    before: TrialConfig
    config: TrialConfig
    extension: Extension


def choose(summary: StudySummary, numbers: Iterable[int], top: int | None, epochs: int | None) -> list[Chosen]:
    """Choose the trials of `numbers`, or the `top` best ones that can go on to `epochs`; None for their own budgets.

    The best are the complete ones by their values, then those that came furthest, by their values there; with several
    objectives by their Pareto fronts. Of a trial and its extensions only the longest is among them.

    Raises:
        StudyError: a trial that is named cannot go on, or none can.
    """
    if top is None:
        records = [summary.trial(number) for number in numbers]
        for record in records:
            if why := _unfit(summary, record, epochs):
                raise StudyError(f"trial {record.number} of study {visible(summary.study)} {why}")
    else:
        records = _best(summary, epochs)[:top]
    if not records:
        aim = "its own budget" if epochs is None else plural(epochs, "epoch")
        raise StudyError(f"study {visible(summary.study)} has no trial that can go on to {aim}; see hpo show")
    return [_extended(summary, record, epochs) for record in records]


def _best(summary: StudySummary, epochs: int | None) -> list[TrialRecord]:
    """The trials that can go on, the best first, one of each line of extensions."""
    fit = [record for record in summary.trials if not _unfit(summary, record, epochs)]
    longest: dict[int, TrialRecord] = {}
    for record in sorted(fit, key=lambda record: (record.epochs, record.number)):
        longest[_root(summary, record)] = record
    ordered = sorted(longest.values(), key=lambda record: (*_distance(record), record.number))
    best = []
    for _, group in groupby(ordered, _distance):
        alike = list(group)
        points = [worth(record, summary.directions) for record in alike]
        best += [alike[index] for index in best_first(points)]
    return best


def _distance(record: TrialRecord) -> tuple[bool, int]:
    """Where a trial came to: to its end, or cut short after so many epochs; the furthest is the least."""
    is_cut_short = record.state != "complete"
    return is_cut_short, -record.epochs if is_cut_short else 0


def _root(summary: StudySummary, record: TrialRecord) -> int:
    """The trial that was drawn, of which `record` is an extension, or an extension of one."""
    # a store of somebody else's may name any trial: each step goes to an older one
    while record.extends is not None and 0 <= record.extends < record.number:
        record = summary.trial(record.extends)
    return record.number


def _unfit(summary: StudySummary, record: TrialRecord, epochs: int | None) -> str:
    """Why a trial cannot go on to `epochs`, in words; empty where it can."""
    if record.state not in _REST:
        return f"is {record.state}, and no trial that could go on"
    if record.cause is not None:
        return f"ended as {record.cause}, and would again"
    if not record.curve:
        return "has trained no epoch"
    try:
        config = saved_config(summary.study, record)
    except StudyError:
        return "has no configuration of this version of hpo"
    if config.data.folds:
        return "has folds, each a whole training that has ended; search again with a larger budget.epochs"
    aim = config.budget.epochs if epochs is None else epochs
    if aim <= record.epochs:
        given = "give --epochs a larger number" if epochs is None else f"got --epochs {epochs}"
        return f"has trained {plural(record.epochs, 'epoch')}, and must go on to more; {given}"
    if record.state == "complete" and record.epochs < config.budget.epochs and not depends_on_length(config.schedule):
        return f"ended by its patience after epoch {record.epochs}, as it would with more epochs"
    return ""


def _extended(summary: StudySummary, record: TrialRecord, epochs: int | None) -> Chosen:
    before = with_data_as_now(saved_config(summary.study, record), summary)
    aim = before.budget.epochs if epochs is None else epochs
    config = before.model_copy(update={"budget": before.budget.model_copy(update={"epochs": aim})})
    extension = Extension(record.number, aim, config.model_dump_json(), record.model_source)
    return Chosen(record, before, config, extension)
