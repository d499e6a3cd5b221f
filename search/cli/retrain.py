"""`hpo retrain-best`: the winning trial as a tested, registered export."""

from typing import TYPE_CHECKING

import typer

from ...common.plural import plural
from ...common.rounding import beside
from ..commands.retrain.options import RetrainOptions
from .common import JsonOption, command, print_json, say, say_error

if TYPE_CHECKING:
    from ..commands.retrain.retrain import RetrainResult


@command
def retrain_best(options: RetrainOptions, json: JsonOption = False) -> None:
    """Retrain the winner, test it once, export and register it.

    It is trained on all but the test images. Interrupted, the same command goes on where it was.
    """
    from contextlib import closing

    from ..commands.retrain.retrain import retrain_best as retrain
    from ..progress.single import watcher

    with closing(watcher()) as view:
        result = retrain(options, view)
    print_json(result.to_json()) if json else _print_table(result)
    if result.registry_error:
        say_error(result.registry_error)
        say("the export is kept; the same command registers it without training or testing again")
        raise typer.Exit(1)


def _print_table(result: "RetrainResult") -> None:
    from ..progress.format import with_interval
    from .format_table import print_formats
    from .race_table import print_race
    from .tables import stdout, table

    manifest, metrics = result.manifest, result.manifest.metrics
    view = table("", "")
    view.add_row("study", f"{manifest.study}, trial {manifest.trial}, {plural(manifest.training.epochs, 'epoch')}")
    if (chosen := manifest.selection) is not None:
        view.add_row("chosen by", f"{chosen.metric} {chosen.value:.4f} of {chosen.at}, epoch {chosen.epoch}")
        if chosen.race is None:
            view.add_row("", "the best of many, and not measured again: --candidates 3 races the best on fresh seeds")
    if metrics.val_accuracy is not None:
        validation = with_interval(metrics.val_accuracy, metrics.val_interval)
        view.add_row("validation accuracy", f"{validation}, the trial's")
    tested = with_interval(metrics.test_accuracy, metrics.test_interval)
    view.add_row("test accuracy", f"{tested}, {metrics.test_images:,} images")
    if manifest.gap is not None:
        view.add_row("", "validation and test differ by more than chance explains (above, and in manifest.json)")
    if (calibration := manifest.calibration) is not None:
        fitted = f"{calibration.temperature:.2f}, fitted with {calibration.weights} on validation images"
        view.add_row("temperature", f"{fitted}: {calibration.words}")
    same = f"{beside(manifest.onnx.top1_agreement, 1, '.2%')[0]} of {manifest.onnx.images} images the same class"
    view.add_row("ONNX against PyTorch", f"logits differ by {manifest.onnx.max_abs_diff:.1e} at most, {same}")
    view.add_row("export", f"{result.export_dir}: {', '.join([*manifest.files, 'manifest.json'])}")
    if result.registered:
        view.add_row("MLflow", f"{result.registered} in {result.registry}")
    stdout().print(view)
    if chosen is not None and chosen.race is not None:
        print_race(chosen.race)
    print_formats(manifest)
