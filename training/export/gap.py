"""A gap between validation and test accuracy beyond chance.

With what can be seen of why. No torch.
"""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

Pair = tuple[float, float]


class Gap(BaseModel):
    """Accuracies that differ by more than chance and choice explain.

    Pairs are of validation and test.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    accuracy: Pair
    images: tuple[int, int]
    chosen_among: int = Field(ge=1, description="Configurations of which the one with the best validation was taken.")
    probability: float = Field(description="Of such a difference by chance and choice alone.")
    class_name: str = Field(description="The class whose share of the images differs most.")
    class_share: Pair
    brightness: Pair | None = Field(description="Mean of the images' means, in 0..1; None: not looked at.")
    contrast: Pair | None = Field(description="Mean of the images' standard deviations, in 0..1.")
    shared: int = Field(description="Validation images that are in the training images, too, with equal pixels.")
    nearly_shared: int | None = Field(description="Others that nearly are; None: too many to compare.")

    def lines(self) -> Iterator[str]:
        """Yield the gap in words, then its possible reasons, a line each."""
        (val, test), (val_images, test_images) = self.accuracy, self.images
        many = self.chosen_among > 1
        why = f"chance and the choice among {self.chosen_among:,} configurations explain" if many else "chance explains"
        yield (
            f"validation {val:.4f} ({val_images:,} images) and test {test:.4f} ({test_images:,} images) differ by more "
            f"than {why} (p = {self.probability:.1g}): of new images expect what the test says. What can be seen:"
        )
        yield f"  classes: {self.class_name} is {_two(self.class_share, '.1%')}"
        if self.brightness and self.contrast:
            yield f"  images: brightness {_two(self.brightness, '.3f')}; contrast {_two(self.contrast, '.3f')}"
        near = "" if self.nearly_shared is None else f", {self.nearly_shared:,} more nearly"
        yield f"  copies: {self.shared:,} validation images are in the training images, too{near}"


def _two(pair: Pair, form: str) -> str:
    return f"{pair[0]:{form}} in validation, {pair[1]:{form}} in test"
