"""`hpo monitor`: a served model's health, from its prediction log."""

from typing import TYPE_CHECKING

from ..commands.monitor.options import MonitorOptions
from .common import JsonOption, command, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from ...common.manifest import Manifest
    from ...serving.monitor.report import Report


@command
def monitor(options: MonitorOptions, json: JsonOption = False) -> None:
    """Show a served model's predictions, accuracy and drift alarms."""
    from ...serving.export_folder import read_manifest
    from ...serving.monitor.monitor import find_reference
    from ...serving.monitor.report import make_report
    from ...serving.monitor.schema import log_url, open_log
    from ..resolve.served import source

    folder = source(options.target, options.home, None).locate()
    engine = open_log(options.log or log_url(folder), create=False)  # a log that is missing is an error here, not made
    try:
        manifest = read_manifest(folder)
        report = make_report(engine, manifest, find_reference(folder, manifest), options.window)
    finally:
        engine.dispose()
    again = _search_again(manifest, options.home)
    print_json({**report.to_json(), "search_again": again}) if json else _print(report, again)


def _search_again(manifest: "Manifest", home: "Path | None") -> str:
    """The command that searches again, on new images.

    Its space is the study's where that is at hand.
    """
    import shlex

    from ...studies.home import Home
    from ...studies.study_name import is_study_name

    name = manifest.study if is_study_name(manifest.study) else "STUDY"  # a name of another program may be anything
    space = Home.locate(home).study(name, "space.yaml")
    space_file = str(space) if space.exists() else "SPACE"
    return shlex.join(["hpo", "run", "--space", space_file, "--study", f"{name}-new", "--data", "NEW_IMAGES"])


def _print(report: "Report", again: str) -> None:
    from .monitor_view import monitor_view
    from .tables import stdout

    stdout().print(monitor_view(report, again))
