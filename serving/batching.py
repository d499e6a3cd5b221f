"""Images that wait for a model, answered in batches.

Nothing waits for a batch to fill: while one batch is computed the next requests gather, and are the next batch. So a
lone request is answered at once, and batches grow with the load.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from .model import Answers, Images, Model
from .problems import BusyError

T = TypeVar("T")


class _Job(NamedTuple):
    images: Images
    answer: "asyncio.Future[Answers]"


@dataclass(slots=True)
class Queue:
    """How many images wait or are computed in this process, over all models, and how many may."""

    limit: int
    images: int = 0

    @property
    def full(self) -> bool:
        """Whether the next image would be refused."""
        return self.images >= self.limit

    def admit(self, images: int) -> None:
        """Take `images` in; a request larger than the whole queue is taken where nothing else waits.

        Raises:
            BusyError: they do not fit.
        """
        if self.images and self.images + images > self.limit:
            raise BusyError
        self.images += images


class Here(Executor):
    """Runs what it is given at once, in the thread that gives it."""

    def submit(self, task: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """The outcome of `task`, which is over."""
        future: Future[T] = Future()
        try:
            future.set_result(task(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Batcher:
    """A model with the images that wait for it.

    All methods belong to the event loop; the model runs on one thread, a quick one on the loop's own.
    """

    def __init__(self, model: Model, queue: Queue) -> None:
        self.model = model
        self.batches = 0
        self._queue = queue
        self._waiting: deque[_Job] = deque()
        self._running = False
        self._executor = Here() if model.quick else ThreadPoolExecutor(1, thread_name_prefix="model")

    async def answer(self, images: Images) -> Answers:
        """The answers to `images` [N, channels, size, size].

        Raises:
            BusyError: the queue is full.
        """
        self._queue.admit(len(images))
        loop = asyncio.get_running_loop()
        job = _Job(images, loop.create_future())
        self._waiting.append(job)
        try:
            if not self._running:
                self._running = True
                loop.call_soon(self._next)  # not now: what came with it is in the same batch
            return await job.answer
        finally:
            self._queue.images -= len(images)

    def _next(self) -> None:
        """Start on what waits, if anything does; requests that were given up meanwhile are passed over."""
        jobs: list[_Job] = []
        room = self.model.batch
        while self._waiting and (not jobs or len(self._waiting[0].images) <= room):
            job = self._waiting.popleft()
            if not job.answer.done():
                jobs.append(job)
                room -= len(job.images)
        self._running = bool(jobs)
        if jobs:
            self.batches += 1
            future = asyncio.get_running_loop().run_in_executor(self._executor, self._compute, jobs)
            future.add_done_callback(lambda done: self._deliver(jobs, done))

    def _compute(self, jobs: list[_Job]) -> Answers:
        images = jobs[0].images if len(jobs) == 1 else np.concatenate([job.images for job in jobs])
        size = self.model.batch
        parts = [self.model.answer(images[start : start + size]) for start in range(0, len(images), size)]
        return parts[0] if len(parts) == 1 else Answers(*map(np.concatenate, zip(*parts, strict=True)))

    def _deliver(self, jobs: list[_Job], done: "asyncio.Future[Answers]") -> None:
        error = done.exception()
        start = 0
        for job in jobs:
            end = start + len(job.images)
            if not job.answer.done():
                if error:
                    job.answer.set_exception(error)
                else:
                    job.answer.set_result(Answers(*(part[start:end] for part in done.result())))
            start = end
        if self.model.quick:
            asyncio.get_running_loop().call_soon(self._next)  # once these answers are written
        else:
            self._next()  # now: the model works on while they are written
