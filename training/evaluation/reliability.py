"""How often a model is right, by how sure it says it is."""

from dataclasses import dataclass

from scipy.special import softmax

from ..metrics.confidence import BINS, Labels, Logits, bin_of


@dataclass(frozen=True, slots=True)
class Bin:
    """Images whose confidence is in (`low`, `high`]: their mean `confidence` and `accuracy`, None without `images`."""

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


def reliability(logits: Logits, labels: Labels) -> tuple[Bin, ...]:
    """The bins of a reliability diagram (Guo et al. 2017, arXiv:1706.04599, section 2), those of the ECE."""
    shares = softmax(logits, axis=1)
    confidence, hit = shares.max(axis=1), shares.argmax(axis=1) == labels
    place = bin_of(confidence)
    return tuple(
        Bin(
            number / BINS,
            (number + 1) / BINS,
            int(here.sum()),
            float(confidence[here].mean()) if here.any() else None,
            float(hit[here].mean()) if here.any() else None,
        )
        for number, here in ((number, place == number) for number in range(BINS))
    )
