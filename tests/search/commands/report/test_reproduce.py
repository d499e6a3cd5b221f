"""The commands of a report that make its numbers again."""

import shutil
from pathlib import Path

from hpo.search.commands.report.options import ReportOptions
from hpo.search.commands.report.report import report
from hpo.training.export.manifest import ExportManifest


def test_a_winner_of_another_length_is_made_again_with_it(searched: Path, tmp_path: Path) -> None:
    home = tmp_path / "runs"
    shutil.copytree(searched, home)
    folder = home / "deep" / "export"
    manifest = ExportManifest.read(folder)
    longer = manifest.training.model_copy(update={"schedule_epochs": manifest.training.schedule_epochs + 1})
    manifest.model_copy(update={"training": longer}).write(folder)
    page = report(ReportOptions("deep", home=home)).path.read_text(encoding="utf-8")
    assert f"hpo retrain-best deep --trial {manifest.trial} --epochs {longer.schedule_epochs}\n" in page
