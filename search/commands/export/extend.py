"""An export extended by further formats, from its folder and data alone."""

import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from ....common.cores import available_cores
from ....studies.files import versions
from ....studies.home import Home
from ....training.data.pack import Pack, count_openings
from ....training.export.export_folder import ExportFolder
from ....training.export.format_kind import Source
from ....training.export.formats.registry import FORMATS
from ....training.export.manifest import ExportedFile, ExportManifest, describe_files, other_files
from ....training.export.names import SAMPLES
from ....training.trained.folder import Trained
from ...configuration.model_copies import ModelCopies
from ...progress.single import RetrainWatcher
from ...resolve.model import openings_log
from ...resolve.trust import record_export
from ..retrain.export_winner import EXPORTERS

if TYPE_CHECKING:
    from ....training.export.make_formats import Made


def extend_export(
    trained: Trained, names: Sequence[str], pack: Pack, target: Path, home: Home, watcher: RetrainWatcher
) -> ExportManifest:
    """Put the export `trained`, extended by the formats `names`, at `target`.

    It keeps the formats that it has. The test split is opened once for all formats that were not tested yet, and not at
    all where there are none.

    Raises:
        TrustError: the export is not on record: its programs must be run for this.
        ExportError: a file is not the one its manifest describes, or a base format does not work.
    """
    from ....training.export.final_test import accuracies_on_test
    from ....training.export.make_formats import make_formats, report_formats
    from ....training.export.promote import staged

    export = ExportFolder.open(trained.path)
    export.require_on_record()
    manifest = export.manifest
    before = manifest.formats
    # in the order of the registry, old and new alike
    format_names = [name for name in FORMATS.names() if name in names or name in before]
    with staged(target, other_files) as folder:
        shutil.copytree(trained.path, folder, dirs_exist_ok=True)
        manifest.check_files(folder)  # the copies, since these are what is loaded
        watcher.note("exporting and verifying")
        # the copy of a custom model's file that its trials ran, whatever the file says today
        config = ModelCopies(home.models(trained.study)).use_copy(manifest.config) if trained.study else manifest.config
        source = Source(folder, config, pack.val)
        made, failed = make_formats(format_names, source, pack, {name: report.how for name, report in before.items()})
        # the test split has been opened for these; it is not opened again
        tested = {entry.key: before[entry.name].test_accuracy for entry in made if entry.name in before}
        untested = {entry.key: entry.run for entry in made if entry.key not in tested}
        log, reason = openings_log(trained, home), f"export {trained.path}: {', '.join(names)}"
        # does not open the split where nothing is untested
        tested |= accuracies_on_test(untested, pack, reason=reason, log=log)
        if untested:
            watcher.note(f"opening {count_openings(pack, log)} of this test split, for formats not tested yet")
        watcher.note("measuring")
        accuracy = manifest.metrics.test_accuracy
        manifest = manifest.model_copy(
            update={
                "formats": report_formats(made, folder, pack, tested, accuracy, available_cores()),
                "failed_formats": failed,
                "versions": versions() | {package: version(package) for package in EXPORTERS},
                "files": _described(manifest, made, folder),
            }
        )
        manifest.write(folder)
        record_export(ExportFolder.open(folder), watcher.note)  # before it is in place, so that no kill comes between
    return manifest


def _described(manifest: ExportManifest, made: "Sequence[Made]", folder: Path) -> dict[str, ExportedFile]:
    """The files of the export, without the evaluations in its folder.

    Those can be made anew at any time.
    """
    own = {*manifest.files, SAMPLES}.union(*(entry.format.files for entry in made))
    return {name: file for name, file in describe_files(folder).items() if name in own}
