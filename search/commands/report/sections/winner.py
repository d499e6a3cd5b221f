"""The exported winner: its test, what it takes for what, its mistakes, its formats."""

from collections.abc import Iterator

from .....common.charts.heat_map import MOST, heat_map
from .....common.plural import plural
from .....common.sections import Block, Chart, Facts, Items, Picture, Section, Table, Text
from .....training.evaluation.confusions import most_confused
from .....training.evaluation.kept import Kept
from .....training.export.manifest import ExportManifest
from ....progress.format import disk_size, duration, params_line, with_interval
from ..material import Material, Winner
from .registry import register_section

MISTAKES = 12
"""Mistakes that are listed, the most confident first; the picture has more."""


@register_section("winner", place=51)
def winner(material: Material) -> Section | None:
    """What the export and its evaluations say; None without an export."""
    return None if material.winner is None else Section("The winner", [*_blocks(material, material.winner)])


def _blocks(material: Material, exported: Winner) -> Iterator[Block]:
    manifest = exported.export.manifest
    yield Facts(_facts(manifest, exported))
    notes = [*exported.notes, *_notes(material, manifest)]
    if notes:
        yield Items(notes)
    yield from _confusion(exported)
    for kept in exported.evaluations:
        yield from _evaluation(kept)
    yield from _formats(manifest)


def _facts(manifest: ExportManifest, exported: Winner) -> dict[str, str]:
    metrics, training, chosen = manifest.metrics, manifest.training, manifest.selection
    selection = f"{chosen.metric} {chosen.value:.4f} of {chosen.at}, epoch {chosen.epoch}" if chosen else ""
    validation = with_interval(metrics.val_accuracy, metrics.val_interval) if metrics.val_accuracy is not None else ""
    opening = "the first look" if metrics.test_opening == 1 else f"look {metrics.test_opening} at them"
    tested = with_interval(metrics.test_accuracy, metrics.test_interval)
    calibration = manifest.calibration
    trained = f"{plural(training.epochs, 'epoch')} on {training.images:,} images in {duration(training.seconds)}"
    return {
        "model": f"{manifest.model_version}, trial {manifest.trial} of {manifest.study}, in {exported.export.path}",
        "parameters": params_line(manifest.params),
        "trained": f"{trained}, {training.device}",
        "chosen by": selection,
        "validation accuracy": f"{validation}, the trial's" if validation else "",
        "test accuracy": f"{tested}, {metrics.test_images:,} images, {opening}",
        "test loss": f"{metrics.test_loss:.4f} nats",
        "temperature": f"{calibration.temperature:.2f}: {calibration.words}" if calibration else "",
    }


def _notes(material: Material, manifest: ExportManifest) -> Iterator[str]:
    best, pack = material.summary.best, material.pack
    if best is not None and manifest.trial != best.number:
        yield f"The best trial is {best.number} now; the export is of trial {manifest.trial}."
    if pack is not None and pack.fingerprint != manifest.data_fingerprint:
        yield "The export was trained on other data than the study's."


def _confusion(exported: Winner) -> Iterator[Block]:
    names = exported.export.manifest.class_names
    if exported.predictions is None:
        yield Text("No test predictions are kept: another version of hpo tested this export.", quiet=True)
        return
    counts = exported.predictions.confusion(len(names))
    wrong = int(counts.sum() - counts.trace())
    words = f"{wrong:,} of {len(exported.predictions):,} test images were answered wrong"
    more = f" The first {MOST} of {len(names):,} classes are drawn." if len(names) > MOST else ""
    svg = heat_map(counts.tolist(), names, "true class", "answer", words)
    legend = (("usual", "right"), ("bad", "wrong"))
    yield Chart(svg, legend, f"{words}. The deeper, the larger the share of the true class.{more}")
    rows = [[c.true, c.answered, f"{c.images:,}", f"{100 * c.share:.1f} %"] for c in most_confused(counts, names)]
    if rows:
        yield Table(["true", "answered", "images", "of the class"], rows, frozenset(("images", "of the class")))


def _evaluation(kept: Kept) -> Iterator[Block]:
    report = kept.report
    scores = f"accuracy {with_interval(report.accuracy, report.interval)}, macro F1 {report.macro_f1:.4f}"
    opening = f", look {report.test_opening} at the test images" if report.test_opening else ""
    yield Text(f"Evaluated on {report.images:,} {report.title}{opening}: {scores}, calibration error {report.ece:.4f}.")
    rows = [[m.true, m.answered, f"{m.confidence:.1%}", m.name] for m in report.mistakes[:MISTAKES]]
    if rows:
        yield Text("Its most confident mistakes; a label may be wrong, too:")
        yield Table(["true", "answered", "confidence", "image"], rows, frozenset(("confidence",)))
    if rows and kept.mistakes_png:
        yield Picture(kept.mistakes_uri, f"The most confident mistakes on {report.title}")


def _formats(manifest: ExportManifest) -> Iterator[Block]:
    rows = [
        [name, disk_size(report.size_bytes), f"{report.test_accuracy:.4f}", "yes" if report.promoted else "no"]
        for name, report in manifest.formats.items()
    ]
    if rows:
        yield Table(["format", "size", "test accuracy", "promoted"], rows, frozenset(("size", "test accuracy")))
