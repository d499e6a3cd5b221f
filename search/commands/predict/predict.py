"""`hpo predict`, composed: model x files -> a stream of predictions."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ....errors import DataError
from ....studies.home import Home
from ....training.data.sources.outside import Outside, outside
from ....training.data.sources.walk import files_below, ignore_folder
from ....training.trained.folder import Trained
from ...resolve.model import choose_model, open_model
from ...resolve.trust import Note
from .options import PredictOptions

if TYPE_CHECKING:
    from ....training.trained.predict import Prediction


def describe_model(options: PredictOptions) -> Trained:
    """Return the model that `options` mean, without importing torch.

    Raises:
        HpoError: there is none.
    """
    return choose_model(options.model, Home.locate(options.home), options.storage)


def predict(options: PredictOptions, images: Iterable[Path | str], note: Note) -> Iterator["Prediction"]:
    """Predict each file of `images`, in order, as a stream.

    A folder stands for all files below it. `images` may be endless: a few batches are taken ahead. What cannot be read
    as an image gives a prediction with an `error`. The model is opened by this call, not by the first prediction;
    `note` hears of what is decided then.

    Raises:
        HpoError: the model or the device is wrong.
    """
    trained = describe_model(options)
    return _predict(trained, options, images, note)  # not `yield from`: the model must be opened now


def _predict(
    trained: Trained, options: PredictOptions, images: Iterable[Path | str], note: Note
) -> Iterator["Prediction"]:
    """Open the model and predict; torch is imported from here on."""
    from ....training.trained.predict import predict_files

    model = open_model(trained, options.device, options.trust, note)
    return predict_files(model, files_of(images), options.batch_size)


def files_of(images: Iterable[Path | str], apart: Callable[[Path, str], None] = ignore_folder) -> Iterator[Path]:
    """Yield the files that `images` name, those below a folder by name.

    Names that begin with a dot are left out there. So are homes, trainings and exports; `apart(folder, what it is)`
    hears of them.

    Raises:
        DataError: a folder cannot be read.
    """
    for image in images:
        path = Path(image)
        if path.is_dir():
            yield from _below(path, apart)
        else:
            yield path


def _below(folder: Path, apart: Callable[[Path, str], None]) -> Iterator[Path]:
    try:
        yield from (file for file, _ in files_below(folder, apart=apart))
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from error


def files_outside(images: Iterable[Path | str]) -> Iterator[tuple[Path, tuple[Outside, ...]]]:
    """Yield each folder of `images` with files outside, and those files.

    A file is outside where a link leads out of the folder.

    Raises:
        DataError: a folder cannot be read.
    """
    for folder in filter(Path.is_dir, map(Path, images)):
        names = (str(file.relative_to(folder)) for file in _below(folder, ignore_folder))
        if files := tuple(outside(folder, names)):
            yield folder, files


def count_files(images: Iterable[Path | str], apart: Callable[[Path, str], None] = ignore_folder) -> int:
    """Count the files that `images` name; `apart` as in `files_of`.

    Raises:
        DataError: none at all, or a folder cannot be read.
    """
    count = sum(1 for _ in files_of(images, apart))
    if count == 0:
        raise DataError("there is no file to predict: the folders given are empty")
    return count
