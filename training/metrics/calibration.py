"""A fitted temperature and the validation images it was fitted on.

No torch.
"""

from pydantic import BaseModel, ConfigDict, Field


class Calibration(BaseModel):
    """A temperature and its effect on the images it was fitted on.

    Guo et al. 2017 (arXiv:1706.04599), section 4.2.

    `*_before` and `*_after` are of the same logits, undivided and divided by the temperature.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    temperature: float = Field(gt=0, description="Logits are divided by it before the softmax.")
    weights: str = Field(description="Whose logits it was fitted on: weights that have not seen these images.")
    images: int = Field(ge=1, description="Validation images it was fitted on.")
    nll_before: float = Field(description="Mean negative log-likelihood, in nats.")
    nll_after: float
    ece_before: float = Field(description="Expected calibration error over 15 bins.")
    ece_after: float

    @property
    def words(self) -> str:
        """What the temperature did, in words.

        Where that does not look like a gain, they say why it is kept.
        """
        error = f"calibration error {self.ece_before:.3f} -> {self.ece_after:.3f}"
        if self.ece_after <= self.ece_before:
            return error
        loss = f"{self.nll_before:.3f} -> {self.nll_after:.3f} nats"
        if self.nll_after < self.nll_before:
            return (
                f"kept for the log loss, which it is fitted to: {loss}; the {error}, counted in 15 bins, did not gain"
            )
        return f"kept, though it did not help here: log loss {loss}, {error}"
