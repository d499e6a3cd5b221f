"""The views of studies and trials, for `hpo studies` and `hpo show`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table

from ...common.folds import values_of_folds
from ...common.plural import plural
from ...studies import attributes
from ...studies.records.effects import Effect
from ...studies.records.study import StudySummary, formats_of
from ...studies.records.trial import TrialRecord
from ..progress.audit import audit_line
from ..progress.best import best_lines
from ..progress.counted import counted, how_it_stands
from ..progress.explained import explained
from ..progress.format import (
    amount,
    duration,
    ending,
    number_of,
    numbers_of,
    params_line,
    short,
    sparkline,
    with_interval,
)
from ..progress.gain import gain
from ..progress.rungs import furthest_line, rungs_line, standing_cell, standing_words, strategy_line
from .effect_view import effect_parts
from .tables import FirstThatFits, line, table, unfolded

_PARAMETERS = 18  # characters: one parameter a line, as `weight_decay=0.01`


def studies_view(summaries: Iterable[StudySummary]) -> Table:
    """The view of studies, a line each."""
    view = table("study", "begun", "trials", "metric", "best", "time")
    for item in summaries:
        best = with_interval(item.best.value if item.best else None, item.best_interval)
        view.add_row(item.study, _begun(item), counted(item), item.metric, best, duration(item.wall_s))
    return view


def study_view(summary: StudySummary, effects: Sequence[Effect] = ()) -> RenderableType:
    """The view of one study: its result, what decided it, its trials, its failures."""
    return Group(*_study_parts(summary, effects))


def trial_view(
    summary: StudySummary, record: TrialRecord, directory: Path | None, commands: Iterable[str] = ()
) -> RenderableType:
    """The view of one trial.

    `directory` is where its files are, if it has any; `commands` try what its verdict advises.
    """
    return Group(
        *_trial_parts(summary, record, directory),
        *(line(f"  {command}", no_wrap=True, overflow="ignore") for command in commands),
    )


def _study_parts(summary: StudySummary, effects: Sequence[Effect]) -> Iterator[RenderableType]:
    spent = f"{duration(summary.wall_s)} of search"
    head = (f"study {summary.study}: {summary.goals}", counted(summary), spent, " and ".join(formats_of(summary)))
    yield line("; ".join(filter(None, head)))
    if summary.strategy is not None:
        yield line(strategy_line(summary.strategy, summary.epochs_total, "fold" if summary.folds else "epoch"))
    if climbed := rungs_line(summary.rungs):
        yield line(climbed)
    if summary.best is not None:
        yield from map(line, best_lines(summary))
    elif (furthest := summary.furthest) is not None:
        yield line(furthest_line(furthest))
    if gained := gain(summary):
        yield line(gained)
    if summary.audit is not None:
        yield line(audit_line(summary.audit))
    yield from effect_parts(effects)
    for edge in summary.edges():
        yield line(edge.words)
    if summary.passed_over:
        yield line(summary.passed_over_line)
    if summary.trials:
        yield _trials(summary)
    if summary.failures:
        yield line("what went wrong:")
    explanations = summary.explanations()
    for cause, numbers in summary.failures.items():
        why = f"; {explained(explanations[cause])}" if cause in explanations else ""
        words = f"{plural(len(numbers), 'trial')} ({', '.join(map(str, numbers))}): {ending(cause)}{why}"
        yield Padding(line(words), (0, 0, 0, 2), expand=False)


_COLUMNS = ("trial", "state", "value", "epochs", "time", "verdict", "curve", "parameters")
_NARROW = ("trial", "state", "value", "epochs", "parameters")  # for 60 characters


def _trials(summary: StudySummary) -> FirstThatFits:
    """The table of all trials, with the columns that fit the terminal.

    The rest is in `hpo show --trial`.
    """
    return FirstThatFits(_table_of(summary, _COLUMNS), _table_of(summary, _NARROW))


def _table_of(summary: StudySummary, columns: tuple[str, ...]) -> Table:
    view = unfolded(*columns)
    view.columns[-1].no_wrap, view.columns[-1].overflow, view.columns[-1].min_width = False, "fold", _PARAMETERS
    best = {trial.number for trial in summary.front or filter(None, [summary.best])}
    for item in summary.trials:
        cells = _cells(summary, item)
        view.add_row(*(cells[column] for column in columns), style="bold" if item.number in best else "")
    return view


def _cells(summary: StudySummary, item: TrialRecord) -> dict[str, str]:
    standing = summary.standing(item)
    return {
        "trial": str(item.number),
        "state": _state_cell(item) if standing is None else standing_cell(standing),
        # one that is paused has no value yet, but one that it is ranked by
        "value": _value((item.value, *item.others) if standing is None else item.values_at(standing.epoch), item),
        "epochs": str(item.epochs),
        "time": _spent(item),
        "verdict": item.verdict.get("kind", "-"),
        "curve": sparkline(list(item.curve.values()), 16),  # 16 characters leave room for the parameters
        "parameters": params_line(item.params),
    }


def _trial_parts(summary: StudySummary, record: TrialRecord, directory: Path | None) -> Iterator[RenderableType]:
    standing = summary.standing(record)
    state = _state(record) if standing is None else standing_words(standing)
    yield line(f"study {summary.study}, trial {record.number}: {state}")
    if record.curve:
        values = list(record.curve.values())
        ends = f"{values[0]:.4f} -> {values[-1]:.4f}"
        # the curve alone may have most of a line of 80
        yield line(f"{summary.metric} {sparkline(values, 60)} {ends}, {plural(record.epochs, 'epoch')}")
    yield _facts("", _about(record, directory))
    yield _facts("parameters", {key: short(value) for key, value in record.params.items()})
    if record.metrics:
        of = f"means over {len(record.curve)} folds, of epoch" if record.folds else "metrics of epoch"
        title = f"{of} {record.best_epoch}" + (", which counts" if record.state == "complete" else "")
        yield _facts(title, {key: amount(value) for key, value in record.metrics.items()})


def _about(record: TrialRecord, directory: Path | None) -> dict[str, str]:
    """The facts of a trial; an unknown one has no line."""
    files = directory if directory and directory.exists() else None
    traceback = files / "error.txt" if files else None
    facts = {
        "value": "" if record.value is None else numbers_of(record.values),
        "constraints": ", ".join(
            f"{name} {'broken' if excess > 0 else 'kept'} by {abs(excess):.1%}".replace("%", " %")
            for name, excess in record.excesses.items()
        ),
        "folds": _folds(record),
        "time": _spent(record),
        "audit": _audited(record),
        "extends": "" if record.extends is None else f"trial {record.extends}",
        **{name: value for name, value in record.numerics.items() if value != "off"},
        "lost workers": str(record.attempts or ""),
        "message": record.message,
        "verdict": ": ".join(filter(None, (record.verdict.get("kind"), record.verdict.get("evidence")))),
        "what to try": record.verdict.get("advice", ""),
        "error": record.error,
        "traceback": str(traceback) if record.error and traceback and traceback.exists() else "",
        "files": str(files or ""),
    }
    return {name: value for name, value in facts.items() if value}


def _value(values: Sequence[float | None], record: TrialRecord) -> str:
    """The values of a trial, with the standard error of a mean over folds: `0.9250 ± 0.022`."""
    return numbers_of(values) + (f" ± {record.spread.se:.2g}" if record.spread else "")


def _folds(record: TrialRecord) -> str:
    """The values of its folds and their spread: `0.9250, 0.9000; sd 0.0177, standard error of the mean 0.0217`."""
    if record.spread is None:
        return ""
    values = ", ".join(map(number_of, values_of_folds(record.curve.values())))
    return f"{values}; sd {number_of(record.spread.sd)}, standard error of the mean {number_of(record.spread.se)}"


def _facts(title: str, facts: Mapping[str, str]) -> RenderableType:
    view = table("", "")
    for name, value in facts.items():
        view.add_row(name, line(value, overflow="fold"))
    inset = Padding(view, (0, 0, 0, 2), expand=False)
    return Group(line(title), inset) if title else inset


def _state(record: TrialRecord) -> str:
    return how_it_stands(record) if record.rung is None else f"{record.state} at rung {record.rung}"


def _state_cell(record: TrialRecord) -> str:
    """Its state in few characters, as a terminal of 60 has no more; one that is audited has come to its end."""
    return "audited" if record.audit is not None and record.state == "complete" else _state(record)


def _audited(record: TrialRecord) -> str:
    """Where a trial would have been stopped, had it not been audited; empty where it was not."""
    if record.audit is None:
        return ""
    rung = record.audit.get("rung")
    end = "stopped" if rung is None else f"paused at rung {rung}"
    return f"would have been {end} after epoch {record.audit.get('epoch')}"


def _spent(record: TrialRecord) -> str:
    return "-" if record.duration_s is None else duration(record.duration_s)


def _begun(summary: StudySummary) -> str:
    """When the study was created, in local time to the minute."""
    created: Any = summary.attributes.get(attributes.CREATED)
    return "-" if created is None else f"{datetime.fromisoformat(created).astimezone():%Y-%m-%d %H:%M}"
