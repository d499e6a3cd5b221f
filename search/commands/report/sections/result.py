"""What came out of a study, and how sure that is."""

from collections.abc import Iterator

from .....common.interval import standard_error
from .....common.sections import Block, Items, Section, Text, Tile, Tiles
from .....studies import attributes
from .....studies.records.study import SHARES, StudySummary
from ....progress.counted import counted
from ....progress.format import between, number_of, params_line
from ....progress.gain import gain
from ....progress.rungs import furthest_line
from ..material import Material, Winner
from .registry import register_section


@register_section("result", place=0)
def result(material: Material) -> Section:
    """The best value, the test of its retrained export, and what limits both."""
    return Section("What came out", [*_blocks(material)])


def _blocks(material: Material) -> Iterator[Block]:
    summary, winner = material.summary, material.winner
    tiles = [*_tiles(material)]
    if tiles:
        yield Tiles(tiles)
    if material.ranked:
        yield Text(f"Trial {material.ranked[0].number}: {params_line(material.ranked[0].params)}", quiet=True)
    elif (furthest := summary.furthest) is not None:
        yield Text(f"{furthest_line(furthest)}.")
    elif not material.summary.trials:
        yield Text("The study has no trials yet.")
    else:
        yield Text("No trial has come to its end with a value.")
    yield Items([*_certainty(material, winner)])


def _tiles(material: Material) -> Iterator[Tile]:
    summary = material.summary
    if material.ranked:
        name = f"{summary.metric} of the knee" if summary.front else f"best {summary.metric}"
        yield Tile(name, number_of(material.ranked[0].value), _sureness(summary.best_interval))
    if material.winner is not None:
        metrics = material.winner.export.manifest.metrics
        yield Tile("test accuracy", number_of(metrics.test_accuracy), _sureness(metrics.test_interval))
    yield Tile("trials", f"{len(summary.trials):,}", counted(summary))
    yield Tile("epochs trained", f"{summary.epochs_total:,}", "by all trials together")


def _certainty(material: Material, winner: Winner | None) -> Iterator[str]:
    summary = material.summary
    if gained := gain(summary):
        yield f"{gained}."
    if len(material.ranked) > 1:
        yield (
            f"The best of {len(material.ranked):,} complete trials is chosen for its value: "
            "expect somewhat worse on other images."
        )
    if spread := _spread(summary):
        yield spread
    if winner is not None:
        yield from _tested(winner)
    elif material.no_winner:
        yield f"The export of the winner cannot be read: {material.no_winner}"
    elif summary.best is not None:
        yield "The winner has not been retrained and tested; hpo retrain-best does both."
    if material.looks:
        times = "once" if material.looks == 1 else f"{material.looks} times"
        rest = "" if material.looks == 1 else "; the more often they decide, the less they tell"
        yield f"The test images were looked at {times}{rest}."
    if summary.passed_over:
        yield f"{summary.passed_over_line.capitalize()}."


def _spread(summary: StudySummary) -> str:
    """How far a value moves by the choice of validation images alone."""
    images, best = summary.attributes.get(attributes.VAL_IMAGES), summary.best
    if not isinstance(images, int) or images < 1 or best is None or best.value is None or summary.metric not in SHARES:
        return ""
    error = standard_error(best.value, images)
    return (
        f"On {images:,} validation images one value has a standard error of {error:.4f} by the choice of the images "
        "alone; trials that are closer than that are not told apart."
    )


def _tested(winner: Winner) -> Iterator[str]:
    manifest = winner.export.manifest
    metrics, training = manifest.metrics, manifest.training
    images = f"{metrics.test_images:,} images that no trial has seen"
    yield f"Retrained on {training.images:,} images ({training.fit_on.replace('_', ' ')}), tested on {images}."
    if manifest.gap is not None:
        yield from (line.strip() for line in manifest.gap.lines())


def _sureness(interval: tuple[float, float] | None) -> str:
    """`95 %: 0.3645 to 0.6913`; empty where there is no interval."""
    return f"95 %: {between(interval)}" if interval else ""
