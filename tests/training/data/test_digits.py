"""The digits are those of scikit-learn, which is not imported for them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from hpo.training.data.sources.arrays import ArrayPixels
from hpo.training.data.sources.digits import digits
from sklearn.datasets import load_digits

PACK = """
import sys
from pathlib import Path
from hpo.training.data.config import DataConfig
from hpo.training.data.prepare import prepare
prepare(DataConfig(source="digits"), cache=Path(sys.argv[1]))
print([name for name in sys.modules if name.partition(".")[0] == "sklearn"])
"""


def test_each_is_that_of_scikit_learn() -> None:
    images = digits(Path()).read(lambda stage, done, total: None)
    assert isinstance(images.pixels, ArrayPixels)
    known = load_digits()
    assert (images.pixels.array[..., 0] == np.rint(known.images * (255 / 16))).all()
    assert (images.labels == known.target).all()
    assert images.class_names == tuple(map(str, known.target_names))


def test_they_are_packed_without_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PACK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
