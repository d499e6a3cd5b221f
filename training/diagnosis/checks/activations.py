"""Activation statistics: whether the signal grows, fades, saturates, or is the same for every image."""

from ..finding import Cause, Chart, Checked, Finding, listed, problem, warning
from ..subject import Subject
from ..watch import Activation

_HUGE = 1e3  # deviation of the outputs of a module
_ALIKE = 1e-3  # part of an output that differs between images
_SATURATED, _SILENT = 0.7, 0.98  # share of the values of a module


def check(subject: Subject) -> Checked:
    """The output of every innermost module on a training batch, after a few steps of training."""
    seen = subject.watched.activations
    numbers = {
        one.name: {
            "kind": one.kind,
            "std": one.std,
            "spread": one.spread,
            "zeros": one.zeros,
            "saturated": one.saturated,
        }
        for one in seen
    }
    if not seen and subject.watched.finite:
        return Checked("Not enough images: what differs between them is seen from two in a batch on.", (), numbers)
    if not seen:
        return Checked("The training broke before anything could be seen (see gradients).", (), numbers)
    summary = f"{len(seen)} modules; deviations from {min(o.std for o in seen):.2g} to {max(o.std for o in seen):.2g}."
    names = [one.name for one in seen]
    size = {"deviation": [max(one.std, 1e-12) for one in seen]}
    between = {"between images": [one.spread for one in seen], "zeros": [one.zeros for one in seen]}
    charts = [
        Chart("Deviation of each output", "module", "deviation", names, size, log_y=True),
        Chart("What differs between images, and what is zero", "module", "share", names, between),
    ]
    return Checked(summary, _findings(seen), numbers, charts)


def _findings(seen: list[Activation]) -> list[Finding]:
    found = []
    if seen[-1].spread < _ALIKE:
        first = next(one.name for one in seen if one.spread < _ALIKE)
        text = f"the model gives every image the same answer: from {first} on nothing differs between images"
        found.append(problem(Cause.SIGNAL, text, "the signal fades on its way: add norms, fewer layers, no sigmoid"))
    if huge := [one.name for one in seen if one.std > _HUGE]:
        text = f"the signal explodes: outputs beyond {_HUGE:g} in {listed(huge)}"
        found.append(problem(Cause.SIGNAL, text, "normalise the inputs, add norms, start with smaller weights"))
    if silent := [one.name for one in seen if one.zeros > _SILENT]:
        text = f"{listed(silent)} give almost only zeros"
        found.append(problem(Cause.SIGNAL, text, "start biases at 0, add norms"))
    if full := [one.name for one in seen if one.saturated > _SATURATED]:
        text = f"{listed(full)} are saturated: no gradient passes there"
        advice = "normalise the inputs, start with smaller weights, take ReLU for sigmoid or tanh"
        found.append(warning(Cause.SIGNAL, text, advice))
    return found
