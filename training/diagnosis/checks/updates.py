"""Update-to-weight ratios: how far a step moves each layer.

About 1e-3 of itself is usual.

As in the notes of Stanford's CS231n, "Neural Networks 3", section "Ratio of weights:updates".
"""

import math

from ..finding import Cause, Chart, Checked, Finding, listed, problem, warning
from ..registry import register_check
from ..subject import Subject

_VIOLENT, _LARGE = 1.0, 0.5  # of the weight's own norm, in one step
_TINY = 1e-6  # a layer would need a million steps to change by itself


@register_check("updates", "Updates")
def check(subject: Subject) -> Checked:
    """Check the update of every layer over its weight.

    At the peak learning rate.
    """
    layers = [layer for layer in subject.watched.layers if layer.updates and not layer.frozen and layer.reached]
    ratios = {layer.name: layer.update for layer in layers if math.isfinite(layer.update)}
    if not ratios:
        return Checked("No step could be measured (see gradients).", (), {})
    ordered = sorted(ratios.values())
    low, middle, high = ordered[0], ordered[len(ordered) // 2], ordered[-1]
    summary = f"A step moves a layer by {low:.1g} to {high:.1g} of its weight, {middle:.1g} in the middle."
    series = {"update / weight": [max(ratio, 1e-12) for ratio in ratios.values()]}
    chart = Chart("Update of each layer in one step", "layer", "update / weight", list(ratios), series, log_y=True)
    largest = {layer.name: layer.largest_update for layer in layers}
    return Checked(summary, _findings(middle, largest), {"ratios": ratios}, [chart])


def _findings(middle: float, largest: dict[str, float]) -> list[Finding]:
    most = sorted(largest.values())[len(largest) // 2]  # of most layers: one that starts near zero says nothing
    large = [name for name, ratio in largest.items() if ratio > _LARGE]
    if most > _LARGE:
        make = problem if most > _VIOLENT else warning
        text = f"a step moves {listed(large)} by up to {most:.0%} of their weights: nothing learned survives it"
        return [make(Cause.FIT, text, "look at lr_range and weight_decay for what moves them so far")]
    if middle < _TINY:
        text = f"a step moves the weights by {middle:.1g} of themselves: they stand still"
        return [problem(Cause.FIT, text, "look at lr_range and gradients for what holds them")]
    return []
