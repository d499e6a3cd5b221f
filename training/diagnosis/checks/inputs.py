"""The inputs of the model: normalised, finite, and different from each other."""

import torch
from torch import Tensor

from ...machine.seeding import seeded
from ..finding import Cause, Chart, Checked, Finding, problem, warning
from ..registry import register_check
from ..subject import SAMPLE, Subject

_FAR_MEAN, _NARROW, _WIDE = 1.0, 0.2, 5.0  # of values that should have mean 0 and deviation 1
_CONSTANT = 0.02  # share of images of one single value, from which it is no accident


@register_check("inputs", "Inputs", needs_model=False)
def check(subject: Subject) -> Checked:
    """Check mean, deviation and range of the training images.

    Augmented and normalised, as the model gets them.
    """
    with seeded(subject.config.seed, 1, subject.device):
        images = _drawn(subject)
    mean, std = images.mean().item(), images.std().item()
    low, high = images.min().item(), images.max().item()
    flat = (images.flatten(1).amax(1) == images.flatten(1).amin(1)).double().mean().item()
    numbers = {"mean": mean, "std": std, "min": low, "max": high, "constant_share": flat}
    summary = (
        f"{len(images)} images as the model gets them: mean {mean:.3g}, deviation {std:.3g}, {low:.3g} to {high:.3g}."
    )
    return Checked(summary, _findings(images, numbers, subject.look_at_data), numbers, [_chart(images)])


def _drawn(subject: Subject) -> Tensor:
    parts: list[Tensor] = []
    for images, _ in subject.batches():
        parts.append(images.float().cpu())
        if sum(map(len, parts)) >= min(SAMPLE, subject.pack.size("train")):
            break
    return torch.cat(parts)


def _findings(images: Tensor, numbers: dict[str, float], look_at_data: str) -> list[Finding]:
    findings = []
    if not bool(images.isfinite().all()):
        findings.append(problem(Cause.DATA, "some pixels are NaN or infinite", f"look at the data: {look_at_data}"))
    elif abs(numbers["mean"]) > _FAR_MEAN or not _NARROW < numbers["std"] < _WIDE:
        text = (
            f"the inputs are not normalised: mean {numbers['mean']:.3g} and deviation {numbers['std']:.3g}, not 0 and 1"
        )
        advice = "scale them to mean 0 and deviation 1; prepare the data again (remove the pack), weaken augment"
        findings.append(problem(Cause.DATA, text, advice))
    if numbers["constant_share"] > _CONSTANT:
        text = f"{numbers['constant_share']:.0%} of the images have one single value"
        findings.append(warning(Cause.HINT, text, f"they teach nothing; look at them: {look_at_data}"))
    return findings


def _chart(images: Tensor) -> Chart:
    # about 200,000 values draw the same histogram as all
    values = images.flatten()[:: max(1, images.numel() // 200_000)]
    counts, edges = torch.histogram(values, bins=40)
    middles = ((edges[1:] + edges[:-1]) / 2).tolist()
    return Chart("Values of the inputs", "value", "share", middles, {"pixels": (counts / counts.sum()).tolist()})
