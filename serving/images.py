"""Decoding of a request's image files to a model's input."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from starlette.requests import ClientDisconnect

from ..common.decode import MAX_PIXELS, TooLargeImageError, UnknownFormatError, UnreadableImageError, open_image, pixels
from .budget import Budget
from .model import Images, Model
from .problems import RefusedError

REQUEST_PIXELS = 100_000_000  # of one request: four of the largest images, some seconds of decoding
PIXELS_AT_ONCE = MAX_PIXELS  # of all requests; 24 bytes each at most (lossless WebP with alpha), 600 MB in all

Pixels = NDArray[np.uint8]
"""[size, size, channels]"""

_SMALL = 128 * 128  # pixels; decoding fewer takes less time than handing them to another thread and back
_SMALL_BYTES = 2**16  # a longer file may take longer than that to open
_MODEST = 1_000_000  # pixels of a request that never waits for larger ones


class Decoder:
    """A decoder like training's, with threads for large images.

    They are decoded away from the event loop.

    Of large images one after the other is decoded, shrunk and dropped, and those of several requests in turn, so that
    nobody waits for all of another's. What nobody waits for any more is left alone.

    Args:
        formats: as Pillow calls them; the readers of other formats never see a client's bytes.
    """

    def __init__(self, formats: Sequence[str]) -> None:
        self._formats = tuple(formats)
        self._quick = ThreadPoolExecutor(2, thread_name_prefix="decode")
        # two threads: one large image never keeps all others waiting
        self._slow = ThreadPoolExecutor(2, thread_name_prefix="decode-large")
        self._budget = Budget(PIXELS_AT_ONCE)

    async def decode(
        self, contents: Sequence[bytes], model: Model, waiting: Callable[[], bool] = lambda: True
    ) -> Images:
        """Decode `contents` to uint8 [N, channels, size, size] for `model`.

        Args:
            contents: the files.
            model: what they are for.
            waiting: whether anybody still waits for the answer; asked on other threads, too.

        Raises:
            RefusedError: one of them is refused: 415 its format, 413 its size or that of all, 422 it is damaged.
            ClientDisconnect: nobody waits.
        """
        wanted = _Wanted(waiting)
        try:
            return await self._decode(contents, model, wanted)
        except RefusedError as error:
            if not wanted():  # an image that was given up looks damaged
                raise ClientDisconnect from error
            raise
        finally:
            wanted.ended = True

    async def _decode(self, contents: Sequence[bytes], model: Model, wanted: "_Wanted") -> Images:
        loop = asyncio.get_running_loop()
        small = sum(map(len, contents)) <= _SMALL_BYTES
        if small:
            opened = self._open(contents, model, wanted)
        else:
            opened = await loop.run_in_executor(self._quick, self._open, contents, model, wanted)
        total = sum(image.pixels for image in opened)
        _check_total(total, len(opened))
        if small and total <= _SMALL:
            return _batch(self._shrink(opened, model))
        if total <= _MODEST:
            return _batch(await loop.run_in_executor(self._quick, self._shrink, opened, model))
        return _batch(await self._shrink_in_turn(opened, model, wanted))

    async def _shrink_in_turn(self, opened: "deque[_Opened]", model: Model, wanted: "_Wanted") -> list[Pixels]:
        shrunk: list[Pixels] = []
        while opened:
            image = opened.popleft()
            async with self._budget.taken(image.pixels):
                if not wanted():
                    raise ClientDisconnect
                shrunk += await asyncio.get_running_loop().run_in_executor(self._slow, self._shrink, [image], model)
                image.image.close()  # it has its pixels until then
        return shrunk

    def _open(self, contents: Sequence[bytes], model: Model, wanted: "_Wanted") -> "deque[_Opened]":
        _, size, _ = model.shape
        opened = deque[_Opened]()
        for number, content in enumerate(contents, 1):
            name = "the image" if len(contents) == 1 else f"image {number} of {len(contents)}"
            try:
                image = open_image(content, self._formats, wanted)
            except UnreadableImageError as error:
                raise self._refusal(error, name) from error
            image.draft(None, (2 * size, 2 * size))  # as preprocess.pixels does: the size is that of what is decoded
            opened.append(_Opened(name, image))
        return opened

    def _shrink(self, opened: "Iterable[_Opened]", model: Model) -> list[Pixels]:
        channels, size, _ = model.shape
        shrunk = []
        for name, image in opened:
            try:
                shrunk.append(pixels(image, size, channels))
            except UnreadableImageError as error:
                raise self._refusal(error, name) from error
        return shrunk

    def _refusal(self, error: UnreadableImageError, name: str) -> RefusedError:
        match error:
            case UnknownFormatError():
                return RefusedError(415, f"{name}: {error}; formats read here: {', '.join(self._formats)}")
            case TooLargeImageError():
                return RefusedError(413, f"{name}: {error}")
        return RefusedError(422, f"{name}: {error}")


class _Wanted:
    """A flag: whether an image is still waited for.

    Its client is there, and has not been told that it took too long.
    """

    __slots__ = ("_waiting", "ended")

    def __init__(self, waiting: Callable[[], bool]) -> None:
        self._waiting, self.ended = waiting, False

    def __call__(self) -> bool:
        return not self.ended and self._waiting()


class _Opened(NamedTuple):
    """An image with its header read, and its name in answers."""

    name: str
    image: Image.Image

    @property
    def pixels(self) -> int:
        """Return the number of pixels that are decoded."""
        return self.image.width * self.image.height


def _check_total(total: int, images: int) -> None:
    if total > REQUEST_PIXELS:
        limit, size = REQUEST_PIXELS // 1_000_000, total // 1_000_000
        raise RefusedError(413, f"at most {limit} megapixels are decoded in one request, these {images} have {size}")


def _batch(shrunk: Sequence[Pixels]) -> Images:
    batch = np.empty((len(shrunk), *shrunk[0].shape), np.uint8)
    for index, image in enumerate(shrunk):
        batch[index] = image
    # [N, size, size, channels] -> [N, channels, size, size], as the model takes it
    return np.ascontiguousarray(batch.transpose(0, 3, 1, 2))
