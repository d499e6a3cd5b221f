"""`hpo studies` and `hpo show`: look at what is kept."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import HomeOption, JsonOption, StorageOption, command, print_json

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from rich.table import Table

    from ...studies.records import StudySummary, TrialRecord


@command
def studies(storage: StorageOption = None, home: HomeOption = None, json: JsonOption = False) -> None:
    """List the studies, the newest first."""
    from ...studies.records import list_studies

    summaries = list_studies(_open(storage, home))
    if json:
        print_json({"studies": [summary.to_json() for summary in summaries]})
        return
    _print(_studies_table(summaries))


@command
def show(
    study: Annotated[str | None, typer.Argument(help="A study's name. Default: the newest.")] = None,
    trial: Annotated[int | None, typer.Option(help="Show one trial whole.")] = None,
    storage: StorageOption = None,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Show a study: its best trial, every trial with its learning curve, and what failed and why."""
    from ...studies.records import newest_study, summarise

    store = _open(storage, home)
    summary = summarise(store, study or newest_study(store))
    if trial is not None:
        record = summary.trial(trial)
        print_json({"study": summary.study, **record.to_json()}) if json else _show_trial(summary, record)
    elif json:
        print_json(summary.to_json())
    else:
        _show_study(summary)


def existing_storage(storage: str | None, home: Path | None) -> str:
    """The URL of the store, which must be there: looking does not create one.

    Raises:
        StudyError: the home holds no studies.
    """
    from ...errors import StudyError
    from ...studies.home import Home

    place = Home.locate(home)
    if storage is None and not (place.root / "studies.db").exists():
        raise StudyError(f"{place.root} holds no studies; run `hpo run` first, or name another --home")
    return storage or place.storage_url


def _open(storage: str | None, home: Path | None) -> "BaseStorage":
    from ...studies.storage import open_storage

    return open_storage(existing_storage(storage, home))


def _studies_table(summaries: "tuple[StudySummary, ...]") -> "Table":
    from ..progress.format import duration, number_of
    from .tables import table

    view = table("study", "trials", "complete", "pruned", "failed", "metric", "best", "time")
    for item in summaries:
        counts, best = item.counts, item.best.value if item.best else None
        numbers = [str(counts[state]) for state in ("complete", "pruned", "failed")]
        view.add_row(item.study, str(len(item.trials)), *numbers, item.metric, number_of(best), duration(item.wall_s))
    return view


def _show_study(summary: "StudySummary") -> None:
    from ..progress.format import duration, params_line

    counts = ", ".join(f"{count} {state}" for state, count in summary.counts.items() if count) or "no trials yet"
    _print(f"study {summary.study}: {summary.metric}, {summary.direction}; {counts}; {duration(summary.wall_s)}")
    if summary.best is not None and summary.best.value is not None:
        _print(f"best {summary.best.value:.4f}, trial {summary.best.number}: {params_line(summary.best.params)}")
    if summary.trials:
        _print(_trials_table(summary))
    for cause, numbers in summary.failures.items():
        _print(f"{cause}: trials {', '.join(map(str, numbers))}")


def _trials_table(summary: "StudySummary") -> "Table":
    from ..progress.format import duration, number_of, params_line, sparkline
    from .tables import table

    view = table("trial", "state", "value", "epochs", "time", "curve", "parameters")
    best = summary.best.number if summary.best else None
    for item in summary.trials:
        curve = sparkline(list(item.curve.values()), 16)
        spent = "-" if item.duration_s is None else duration(item.duration_s)
        state = item.state if item.status in ("", "finished", "stopped") else item.status
        cells = (str(item.number), state, number_of(item.value), str(item.epochs), spent, curve)
        view.add_row(*cells, params_line(item.params), style="bold" if item.number == best else "")
    return view


def _show_trial(summary: "StudySummary", record: "TrialRecord") -> None:
    from ..progress.format import duration, short, sparkline
    from .tables import table

    _print(f"study {summary.study}, trial {record.number}: {record.state} {record.status}".rstrip())
    if record.curve:
        values = list(record.curve.values())
        _print(f"{summary.metric} {sparkline(values, 60)} {values[0]:.4f} -> {values[-1]:.4f}, {record.epochs} epochs")
    view = table("", "")
    facts: dict[str, object] = {
        "value": record.value,
        "best epoch": record.best_epoch,
        "lost workers": record.attempts or None,
    }
    time = None if record.duration_s is None else duration(record.duration_s)
    facts |= {"time": time, "message": record.message or None, "error": record.error or None}
    for name, value in [*facts.items(), *record.params.items(), *record.metrics.items()]:
        if value is not None:
            view.add_row(name, short(value))
    _print(view)


def _print(what: "Table | str") -> None:
    from .tables import stdout

    stdout().print(what, highlight=False)
