"""Activation statistics: growing, fading, saturated or constant signals."""

from ..finding import Cause, Chart, Checked, Finding, listed, problem, warning
from ..registry import register_check
from ..subject import Subject
from ..watch import Activation

_HUGE = 1e3  # deviation of a module's outputs: plainly too large, whatever the model
_ALIKE = 1e-3  # part of an output that differs between images; below it every image gets the same answer
_SATURATED, _SILENT = 0.7, 0.98  # share of a module's values; a ReLU makes half of a symmetric signal zero


@register_check("activations", "Activations")
def check(subject: Subject) -> Checked:
    """Check the output of every innermost module on a training batch.

    After a few steps of training.
    """
    activations = subject.watched.activations
    numbers = {
        activation.name: {
            "kind": activation.kind,
            "std": activation.std,
            "spread": activation.spread,
            "zeros": activation.zeros,
            "saturated": activation.saturated,
        }
        for activation in activations
    }
    if not activations and subject.watched.finite:
        return Checked("Not enough images: what differs between them is seen from two in a batch on.", (), numbers)
    if not activations:
        return Checked("The training broke before anything could be seen (see gradients).", (), numbers)
    deviations = [activation.std for activation in activations]
    summary = f"{len(activations)} modules; deviations from {min(deviations):.2g} to {max(deviations):.2g}."
    names = [activation.name for activation in activations]
    size = {"deviation": [max(deviation, 1e-12) for deviation in deviations]}
    between = {
        "between images": [activation.spread for activation in activations],
        "zeros": [activation.zeros for activation in activations],
    }
    charts = [
        Chart("Deviation of each output", "module", "deviation", names, size, log_y=True),
        Chart("What differs between images, and what is zero", "module", "share", names, between),
    ]
    return Checked(summary, _findings(activations), numbers, charts)


def _findings(activations: list[Activation]) -> list[Finding]:
    findings = []
    if activations[-1].spread < _ALIKE:
        first = next(activation.name for activation in activations if activation.spread < _ALIKE)
        text = f"the model gives every image the same answer: from {first} on nothing differs between images"
        findings.append(problem(Cause.SIGNAL, text, "the signal fades on its way: add norms, fewer layers, no sigmoid"))
    if huge := [activation.name for activation in activations if activation.std > _HUGE]:
        text = f"the signal explodes: outputs beyond {_HUGE:g} in {listed(huge)}"
        findings.append(problem(Cause.SIGNAL, text, "normalise the inputs, add norms, start with smaller weights"))
    if silent := [activation.name for activation in activations if activation.zeros > _SILENT]:
        text = f"{listed(silent)} give almost only zeros"
        findings.append(problem(Cause.SIGNAL, text, "start biases at 0, add norms"))
    if full := [activation.name for activation in activations if activation.saturated > _SATURATED]:
        text = f"{listed(full)} are saturated: no gradient passes there"
        advice = "normalise the inputs, start with smaller weights, take ReLU for sigmoid or tanh"
        findings.append(warning(Cause.SIGNAL, text, advice))
    return findings
