"""From the bytes of image files to what a model takes."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from ..decode import TooLargeImageError, UnknownFormatError, UnreadableImageError, open_image, pixels
from .model import Images, Model
from .problems import RefusedError

_SMALL = 128 * 128  # pixels; decoding fewer takes less time than handing them to another thread and back


class Decoder:
    """Decodes as training did. Large images are decoded on threads of their own, away from the event loop.

    Args:
        formats: as Pillow calls them; the readers of other formats never see a client's bytes.
    """

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = tuple(formats)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="decode")

    async def decode(self, contents: Sequence[bytes], model: Model) -> Images:
        """The images in `contents` as `model` takes them, uint8 [N, channels, size, size].

        Raises:
            RefusedError: one of them is refused: 415 its format, 413 its size, 422 it is damaged.
        """
        opened = [self._open(content, place, len(contents)) for place, content in enumerate(contents)]
        if sum(image.width * image.height for image in opened) <= _SMALL:
            return _decode(opened, model)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _decode, opened, model)

    def _open(self, content: bytes, place: int, of: int) -> Image.Image:
        try:
            return open_image(content, self._formats)
        except UnknownFormatError as error:
            raise RefusedError(
                415, f"{_name(place, of)}: {error}; formats read here: {', '.join(self._formats)}"
            ) from error
        except TooLargeImageError as error:
            raise RefusedError(413, f"{_name(place, of)}: {error}") from error
        except UnreadableImageError as error:
            raise RefusedError(422, f"{_name(place, of)}: {error}") from error


def _decode(opened: Sequence[Image.Image], model: Model) -> Images:
    channels, size, _ = model.shape
    decoded = np.empty((len(opened), size, size, channels), np.uint8)
    for place, image in enumerate(opened):
        try:
            decoded[place] = pixels(image, size, channels)
        except UnreadableImageError as error:
            raise RefusedError(422, f"{_name(place, len(opened))}: {error}") from error
    return np.ascontiguousarray(decoded.transpose(0, 3, 1, 2))


def _name(place: int, of: int) -> str:
    return "the image" if of == 1 else f"image {place} of {of}"
