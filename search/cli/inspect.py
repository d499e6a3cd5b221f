"""`hpo studies` and `hpo show`: the studies of a home."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.masking import masked
from ..commands.show.options import ShowOptions
from ..commands.studies.options import StudiesOptions
from .common import JsonOption, command, print_json

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...studies.records.readable import Readable
    from ...studies.records.trial import TrialRecord


@command
def studies(options: StudiesOptions, json: JsonOption = False) -> None:
    """List the studies, the newest first."""
    from ...studies.records.summarise import list_studies

    summaries = list_studies(_open(options.storage, options.home))
    if json:
        print_json({"studies": [summary.to_json() for summary in summaries]})
        return
    from .study_views import studies_view

    _print(studies_view(summaries))


@command
def show(options: ShowOptions, json: JsonOption = False) -> None:
    """Show a study: its best trial, every trial, and what failed.

    Every trial has its learning curve, every failure its reason.
    """
    from ...studies.home import Home
    from ...studies.records.lookup import newest_study
    from ...studies.records.summarise import summarise
    from ...studies.study_name import is_study_name
    from .study_views import study_view, trial_view

    storage, home, trial = options.storage, options.home, options.trial
    store = _open(storage, home)
    summary = summarise(store, newest_study(store) if options.study is None else options.study)
    if trial is not None:
        record = summary.trial(trial)
        # a study that another program named has no folder
        directory = Home.locate(home).trial(summary.study, trial) if is_study_name(summary.study) else None
        whole = {"study": summary.study, **summary.record_to_json(record)}
        commands = _commands(summary.study, record, storage, home)
        print_json(whole) if json else _print(trial_view(summary, record, directory, commands))
    else:
        effects = summary.effects()
        importance = [effect.to_json() for effect in effects]
        whole = {**summary.to_json(), "importance": importance, "records": summary.records_to_json()}
        print_json(whole) if json else _print(study_view(summary, effects))


def _commands(study: str, record: "TrialRecord", storage: str | None, home: Path | None) -> list[str]:
    """The commands that try the advice of a trial's verdict.

    There are none where its configuration is not of this version.
    """
    from ...errors import HpoError
    from ...training.loop.history import verdict_from_json
    from ..commands.diagnose.advice import Target
    from ..commands.retrain.choose import saved_config

    if not record.verdict.get("advice"):
        return []
    flag_values = {"storage": storage, "home": home}
    flags = "".join(
        f" --{name} {shlex.quote(masked(str(value)))}" for name, value in flag_values.items() if value is not None
    )
    try:
        target = Target.trial(study, record.number, saved_config(study, record), flags)
    except HpoError:
        return []
    return target.commands(verdict_from_json(record.verdict).settings)


def _open(storage: str | None, home: Path | None) -> "Readable":
    from ...studies.home import Home
    from ...studies.records.reader import open_to_read

    return open_to_read(storage, Home.locate(home))


def _print(view: "RenderableType") -> None:
    from .tables import stdout

    stdout().print(view)
