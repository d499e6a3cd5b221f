"""Batching: images that wait for a model, answered together.

Nothing waits for a batch to fill: while one batch is computed the next requests gather, and are the next batch. So a
lone request is answered at once, and batches grow with the load.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .model import Answers, Images, Model
from .problems import BusyError


class _Job(NamedTuple):
    images: Images
    answer: "asyncio.Future[Answers]"


@dataclass(slots=True)
class Queue:
    """The images that wait or are computed in this process.

    Over all models, and how many may.
    """

    limit: int
    images: int = 0

    @property
    def full(self) -> bool:
        """Tell whether the next image would be refused."""
        return self.images >= self.limit

    def admit(self, images: int) -> None:
        """Take `images` in, or refuse them.

        A request larger than the whole queue is taken where nothing else waits.

        Raises:
            BusyError: they do not fit.
        """
        if self.images and self.images + images > self.limit:
            raise BusyError
        self.images += images


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
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")  # which begins with its first task

    async def answer(self, images: Images) -> Answers:
        """Answer `images` uint8 [N, channels, size, size].

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
        """Start on the next batch, if anything waits."""
        jobs = self._take()
        self._running = bool(jobs)
        if not jobs:
            return
        self.batches += 1
        loop = asyncio.get_running_loop()
        if self.model.quick:
            _deliver(jobs, self._compute(jobs))
            loop.call_soon(self._next)  # once these answers are written
        else:
            loop.run_in_executor(self._thread, self._compute, jobs).add_done_callback(
                lambda computed: self._go_on(jobs, computed.result())
            )

    def _go_on(self, jobs: Sequence[_Job], outcome: Answers | Exception) -> None:
        _deliver(jobs, outcome)
        self._next()  # now: the model works on while these answers are written

    def _take(self) -> list[_Job]:
        """Return the jobs of the next batch, without abandoned ones."""
        jobs: list[_Job] = []
        room = self.model.batch
        # a job is never cut; one that is larger than a batch is a batch of its own
        while self._waiting and (not jobs or len(self._waiting[0].images) <= room):
            job = self._waiting.popleft()
            if not job.answer.done():
                jobs.append(job)
                room -= len(job.images)
        return jobs

    def _compute(self, jobs: Sequence[_Job]) -> Answers | Exception:
        size = self.model.batch
        try:
            # [N, C, H, W] of all jobs; a lone job is not copied
            images = jobs[0].images if len(jobs) == 1 else np.concatenate([job.images for job in jobs])
            parts = [self.model.answer(images[start : start + size]) for start in range(0, len(images), size)]
        except Exception as error:  # ONNX Runtime has exceptions of its own; whoever waits is told
            return error
        # [batch, classes] each -> [N, classes]
        return parts[0] if len(parts) == 1 else Answers(*map(np.concatenate, zip(*parts, strict=True)))


def _deliver(jobs: Sequence[_Job], outcome: Answers | Exception) -> None:
    """Give each job its part of the outcome.

    Abandoned jobs are passed over.
    """
    start = 0
    for job in jobs:
        end = start + len(job.images)
        if not job.answer.done():
            if isinstance(outcome, Exception):
                job.answer.set_exception(outcome)
            else:
                job.answer.set_result(Answers(*(part[start:end] for part in outcome)))
        start = end
