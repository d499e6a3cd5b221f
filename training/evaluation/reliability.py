"""The reliability diagram: accuracy by confidence."""

from dataclasses import dataclass

from scipy.special import softmax

from ..metrics.confidence import BINS, Labels, Logits, bin_of


@dataclass(frozen=True, slots=True)
class Bin:
    """The images with a confidence in (`low`, `high`].

    Their mean `confidence` and `accuracy`, None without `images`.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def reliability(logits: Logits, labels: Labels) -> tuple[Bin, ...]:
    """Return the bins of a reliability diagram, those of the ECE.

    Guo et al. 2017 (arXiv:1706.04599), section 2.
    """
    shares = softmax(logits, axis=1)
    confidence, hit = shares.max(axis=1), shares.argmax(axis=1) == labels
    bins = bin_of(confidence)
    return tuple(
        Bin(
            number / BINS,
            (number + 1) / BINS,
            int(in_bin.sum()),
            float(confidence[in_bin].mean()) if in_bin.any() else None,
            float(hit[in_bin].mean()) if in_bin.any() else None,
        )
        for number, in_bin in ((number, bins == number) for number in range(BINS))
    )
