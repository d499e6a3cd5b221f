"""Whether an export's format still gives its original answers.

No torch unless the format needs it.

python -m hpo.training.export.check FOLDER FORMAT [DIGEST...]       prints one JSON object

What has one of the digests may be run by this process, beside what is on record.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...common import trust
from ...common.bounded import ARRAYS_BYTES
from ...common.bounded_arrays import read_npz
from ...errors import TrustError
from .export_folder import ExportFolder
from .format_kind import Logits
from .formats.registry import FORMATS
from .names import SAMPLES

_ROOM = 1.5  # times the difference at its making: another processor rounds integers and halves in another order


@dataclass(frozen=True, slots=True)
class Checked:
    """A format run on the sample images of its export.

    `max_abs_diff` of its logits from the trained model's, which may be `limit` at most; `top1_agreement` the share of
    `images` with the same class; `torch` whether PyTorch was loaded for it.
    """

    images: int
    max_abs_diff: float
    limit: float
    top1_agreement: float
    torch: bool

    @property
    def holds(self) -> bool:
        """Whether it answers as it did.

        A difference that is not a number does not hold.
        """
        return self.max_abs_diff <= self.limit


def check_format(folder: Path, name: str) -> Checked:
    """Run the format `name` of an export on its sample images.

    The limit is one and a half times what it differed by at most, over more images, when it was made; or what rounding
    may do to any format, if that is more.

    Raises:
        TrustError: it may run code, and the export is not on record.
        ExportError: a file is missing, or not the one described.
    """
    export, form = ExportFolder.open(folder), FORMATS.find(name)
    if form.may_run_code:
        export.require_on_record()
    samples = read_npz(export.checked(SAMPLES), ARRAYS_BYTES)
    images, reference = samples["images"], samples["logits"]
    for file in form.files:
        export.checked(file)
    logits: Logits = form.load(folder, 1)(images)
    made = export.manifest.formats[name].agreement
    return Checked(
        images=len(images),
        max_abs_diff=float(np.abs(logits - reference).max()),
        limit=max(made.tolerance, _ROOM * made.max_abs_diff),
        top1_agreement=float((logits.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        torch=sys.modules.get("torch") is not None,
    )


def main(folder: str, name: str, *digests: str) -> None:
    """Check the format and print the result as JSON.

    Where the format needs no torch, importing it is an error.
    """
    for digest in digests:
        trust.allow(digest)
    if not FORMATS.find(name).needs_torch:
        # note: None in sys.modules makes every import of it fail, so that the promise is kept by test
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        checked = check_format(Path(folder), name)
        print(json.dumps({**asdict(checked), "holds": checked.holds}))
    except TrustError as error:
        print(json.dumps({"refused": str(error)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
