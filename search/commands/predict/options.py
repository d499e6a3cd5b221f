"""The options of `hpo predict`, validated on construction."""

from dataclasses import dataclass
from typing import Annotated

from ....errors import SpaceError
from ..fields import DeviceField, Flag, HomeField, ModelField, StorageField, TrustField
from ..keywords import coerce


@dataclass(frozen=True, slots=True)
class PredictOptions:
    """The options of `hpo.predict`, and flags of `hpo predict`, beside the images.

    `model` is a folder of a trained model or a study; `batch_size` the images per forward pass; `trust` runs what is
    not on record, see docs/security.md.
    """

    model: ModelField
    batch_size: Annotated[int, Flag("Images per forward pass.")] = 64
    device: DeviceField = "auto"
    storage: StorageField = None
    home: HomeField = None
    trust: TrustField = False

    def __post_init__(self) -> None:
        coerce(self)
        # the upper end only catches slips: a device's memory ends long before
        if not 1 <= self.batch_size <= 65_536:
            raise SpaceError(f"--batch-size must be 1 to 65536, got {self.batch_size}")
