"""Gradient flow: a gradient for every layer and unit, of fit size.

Neither vanishing nor exploding on the way.
"""

import math

from ...setting import Setting
from ..finding import Cause, Chart, Checked, Finding, listed, note, problem, warning
from ..registry import register_check
from ..subject import Subject
from ..watch import Layer, Watched

# gradient per weight over that of the strongest layer: such a layer does not move while the others learn
_VANISHED = 1e-5
_EXPLODED = 300.0  # norm of the whole gradient; set high, since it grows with the model
# share of a layer's units, from which a finding is a problem and from which a warning
_DEAD_LAYER, _DEAD_UNITS = 0.9, 0.5


@register_check("gradients", "Gradient flow")
def check(subject: Subject) -> Checked:
    """Check the gradient of every layer over a few steps of training."""
    watched = subject.watched
    trained = [layer for layer in watched.layers if layer.reached and not layer.frozen]
    steepest = max((norm for norm in watched.norms if math.isfinite(norm)), default=math.nan)
    numbers = {
        "norms": watched.norms,
        "layers": {
            layer.name: {"gradient": layer.gradient, "dead_share": layer.dead_share, "frozen": layer.frozen}
            for layer in watched.layers
        },
    }
    is_clipped = subject.config.optimizer.max_grad_norm is not None
    summary = f"{len(trained)} of {len(watched.layers)} layers get a gradient; its norm is at most {steepest:.3g}."
    names = [layer.name for layer in trained]
    series = {"gradient / weight": [max(layer.gradient, 1e-12) for layer in trained]}
    charts = (
        [Chart("Gradient of each layer", "layer", "gradient / weight", names, series, log_y=True)] if trained else []
    )
    if any(layer.dead_share for layer in trained):
        dead = {"dead units": [layer.dead_share for layer in trained]}
        charts.append(Chart("Units without any gradient", "layer", "share", names, dead))
    return Checked(summary, _findings(watched, trained, steepest, is_clipped), numbers, charts)


def _findings(watched: Watched, trained: list[Layer], steepest: float, is_clipped: bool) -> list[Finding]:
    findings = []
    if not watched.finite or steepest > _EXPLODED:
        text = (
            "the gradient becomes NaN or infinite"
            if not watched.finite
            else f"the gradient explodes: norm {steepest:.3g}"
        )
        clipped = () if is_clipped else (Setting("optimizer.max_grad_norm", 1.0),)
        findings.append(problem(Cause.SIGNAL, text, "clip it, add norms, start with smaller weights", *clipped))
    if frozen := [layer.name for layer in watched.layers if layer.frozen]:
        text = f"{len(frozen)} of {len(watched.layers)} layers are frozen: {listed(frozen)}"
        findings.append(note(text, "right for a pretrained backbone; else set requires_grad"))
    if cut := [layer.name for layer in watched.layers if not layer.reached and not layer.frozen]:
        advice = "the model does not use them, or cuts the way to them: look for detach, no_grad, or an unused layer"
        findings.append(problem(Cause.MODEL, f"no gradient reaches {listed(cut)}", advice))
    return findings + (_weak(trained) if watched.finite else [])


def _weak(trained: list[Layer]) -> list[Finding]:
    findings = []
    zero = [layer.name for layer in trained if layer.gradient == 0]
    if zero:
        advice = "what comes after them gives no gradient: dead ReLUs, weights of zero, or an input that is always 0"
        findings.append(problem(Cause.SIGNAL, f"the gradient of {listed(zero)} is exactly zero", advice))
    most = max((layer.gradient for layer in trained), default=0.0)
    weak = [layer.name for layer in trained if 0 < layer.gradient < _VANISHED * most]
    if weak:
        text = f"the gradient vanishes on its way to {listed(weak)}: below {_VANISHED:g} of that of the strongest layer"
        advice = "add norms or shortcuts, take ReLU for sigmoid or tanh, fewer layers"
        findings.append(problem(Cause.SIGNAL, text, advice))
    dead = [layer for layer in trained if layer.gradient > 0 and layer.dead_share >= _DEAD_UNITS]
    if dead:
        shares = [f"{layer.name} ({layer.dead_share:.0%})" for layer in dead]
        make = problem if max(layer.dead_share for layer in dead) >= _DEAD_LAYER else warning
        advice = "their ReLUs are never above zero: start biases at 0, add norms, try LeakyReLU"
        findings.append(make(Cause.SIGNAL, f"dead units in {listed(shares)}", advice))
    return findings
