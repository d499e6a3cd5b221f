"""`hpo evaluate`: the quality of a trained model on labelled images."""

from typing import TYPE_CHECKING

import typer

from ..commands.evaluate.options import EvaluateOptions
from ..progress.format import with_interval
from .common import JsonOption, command, print_json, say_error

if TYPE_CHECKING:
    from ..commands.evaluate.evaluate import EvaluateOutcome

_CLASSES = 30  # rows of the table that fit a screen; --json and --html have all


@command
def evaluate(options: EvaluateOptions, json: JsonOption = False) -> None:
    """Measure a trained model on labelled images.

    It shows accuracy with intervals, every class, confusions, calibration and the worst mistakes. A page and pictures
    are kept in the model's folder, on its trial and in MLflow. Looks at the test split are counted.
    """
    from contextlib import closing

    from ..commands.evaluate.evaluate import evaluate as evaluate_model
    from ..progress.single import watcher

    with closing(watcher()) as view:
        outcome = evaluate_model(options, view)
    print_json(outcome.to_json()) if json else _show(outcome)
    for line in outcome.unrecorded:
        say_error(line)
    if outcome.unrecorded:
        raise typer.Exit(1)  # evaluated and kept, but not everywhere


def _show(outcome: "EvaluateOutcome") -> None:
    from .tables import stdout, table

    report, metrics, console = outcome.report, outcome.report.metrics, stdout()
    opening = f", opening {report.test_opening} of this test split" if report.test_opening else ""
    console.print(f"{report.title}: {metrics.images:,}{opening}")
    facts = table("", "")
    facts.add_row("accuracy", with_interval(metrics.accuracy, metrics.interval))
    facts.add_row("balanced accuracy", with_interval(metrics.balanced_accuracy, metrics.balanced_accuracy_interval))
    facts.add_row("macro F1", with_interval(metrics.macro_f1, metrics.macro_f1_interval))
    for name, value in (("top-5 accuracy", metrics.top5_accuracy), ("AUROC", metrics.auroc)):
        if value is not None:
            facts.add_row(name, f"{value:.4f}")
    calibration = f"temperature {report.temperature:.2f}, without it {metrics.ece_uncalibrated:.4f}"
    facts.add_row(
        "calibration error", f"{metrics.ece:.4f} ({calibration if report.calibrated else 'no temperature was fitted'})"
    )
    facts.add_row("log loss", f"{metrics.nll:.4f} nats")
    if report.skipped:
        # three show what kind they are; --json has all
        named = ", ".join(f"{entry.path} ({entry.reason})" for entry in report.skipped[:3])
        facts.add_row("unreadable", f"{len(report.skipped):,}, not counted: {named}")
    facts.add_row("kept in", str(outcome.folder))
    console.print(facts)
    view = table("class", "images", "precision", "recall", "F1")
    for entry in metrics.per_class[:_CLASSES]:
        view.add_row(entry.name, f"{entry.images:,}", *map(_share, (entry.precision, entry.recall, entry.f1)))
    if len(metrics.per_class) > _CLASSES:
        view.add_row(f"and {len(metrics.per_class) - _CLASSES} more")
    console.print(view)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
