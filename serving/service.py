"""The service behind the routes.

The arms, the queue, the log of predictions, the metrics.
"""

import asyncio
import logging
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..common.preprocess import STEPS
from .admission import Admission
from .arm import Arm, check_pair
from .batching import Batcher, Queue
from .difference import Pairs, Share
from .images import Decoder
from .metrics import Metrics
from .model import Answers, Images
from .options import ServeOptions
from .prediction import Prediction, PredictionLog
from .problems import BusyError, RefusedError
from .refusals import Refusals
from .room import Room
from .tryout import Limits

logger = logging.getLogger("hpo.serving")


@dataclass(frozen=True, slots=True, eq=False)
class Lease:
    """The arm that answers a request, and its version that does."""

    arm: str
    batcher: Batcher


class Service:
    """The models in service with their shared state.

    Args:
        options: what was asked for.
        log: where predictions are handed to.

    Raises:
        ServeError: a model cannot be served.
    """

    def __init__(self, options: ServeOptions, log: PredictionLog) -> None:
        self.options, self.log = options, log
        self.metrics = Metrics()
        self.queue = Queue(options.queue)
        self.admission, self.refusals, self.room = Admission(options.queue), Refusals(), Room()
        self.decoder = Decoder(options.formats)
        self.draining = False
        self.body_bytes = 0  # of bodies that are being read or answered
        limits = Limits(options.threads, options.max_batch, options.max_model_mb)
        self.champion = Arm("champion", options.champion, limits, self.queue, self.metrics)
        self.challenger: Arm | None = None
        if options.challenger is not None:
            # note: a shadow has a queue of its own, so that it never takes a place from a caller
            queue = Queue(options.queue) if options.shadow else self.queue
            self.challenger = Arm("challenger", options.challenger, limits, queue, self.metrics)
            check_pair(self.champion, self.challenger)
        self.comparison: Share | Pairs | None = self._fresh_comparison()
        self._shadows: set[asyncio.Task[None]] = set()
        self._shadow_bytes = 0  # of the files that shadows will be asked about

    @property
    def arms(self) -> tuple[Arm, ...]:
        """Return the champion, and the challenger where there is one."""
        return (self.champion,) if self.challenger is None else (self.champion, self.challenger)

    def lease(self, request_id: str) -> Lease:
        """Choose the arm for a request.

        The same id always meets the same one.

        Raises:
            BusyError: the queue is full.
        """
        if self.queue.full:
            raise BusyError
        share = self.options.share
        # a hash of the id, not a draw: a request that is sent again gets the same arm, in whichever worker process
        if share and self.challenger and zlib.crc32(request_id.encode()) < share * 2**32:
            return Lease("challenger", self.challenger.batcher)
        return Lease("champion", self.champion.batcher)

    async def answer(self, lease: Lease, images: Images, request_id: str, started: float) -> Answers:
        """Answer `images` by the leased version, and log the answers.

        Args:
            lease: from `lease`.
            images: uint8 [N, channels, size, size].
            request_id: the request's.
            started: `time.perf_counter()` when the body was there.

        Raises:
            BusyError: the queue is full.
        """
        answers = await lease.batcher.answer(images)
        self._note(lease, images, answers, request_id, started, shadow=False)
        return answers

    def shadow(self, contents: Sequence[bytes], champion: Answers, request_id: str) -> None:
        """Ask a shadow about the same files, in the background.

        What it has no time for is dropped and counted.
        """
        if self.options.shadow and self.challenger is not None:
            size = sum(map(len, contents))
            full = self._shadow_bytes + size > self.options.max_body_mb * 2**20
            if full or self.queue.full or len(self._shadows) > self.options.queue:
                self.metrics.shadow_dropped.inc(len(contents))
                return
            task = asyncio.create_task(self._ask_shadow(self.challenger, contents, champion, request_id))
            self._shadows.add(task)
            self._shadow_bytes += size
            task.add_done_callback(lambda done: self._shadow_done(done, size))

    async def watch(self) -> None:
        """Look for new versions until cancelled."""
        while True:
            await asyncio.sleep(self.options.poll_s)
            for arm in self.arms:
                try:
                    changed = await arm.look()
                except Exception:  # a fault of ours or of a library must not end the watch
                    logger.exception("%s: looking for a new version failed", arm.name)
                    continue
                if changed:
                    self.comparison = self._fresh_comparison()

    async def close(self) -> None:
        """Wait for the shadows and write what the log holds."""
        if self._shadows:
            await asyncio.wait(self._shadows, timeout=self.options.timeout_s)
        self.log.close()

    def status(self) -> dict[str, Any]:
        """Return the state of the arms as JSON.

        Counts are of this worker process.
        """
        arms = [
            {
                "arm": arm.name,
                "study": arm.model.manifest.study,
                "trial": arm.model.manifest.trial,
                "model_version": arm.model.manifest.model_version,
                "batch": arm.model.batch,
            }
            for arm in self.arms
        ]
        manifest = self.champion.model.manifest
        return {
            "arms": arms,
            "classes": list(manifest.class_names),
            "preprocessing": {**manifest.preprocessing.model_dump(), "steps": STEPS},
            "comparison": self._comparison_json(),
        }

    def _shadow_done(self, task: asyncio.Task[None], size: int) -> None:
        self._shadows.discard(task)
        self._shadow_bytes -= size

    def _comparison_json(self) -> dict[str, Any] | None:
        match self.comparison:
            case Share() as share:
                counts = {"champion": share.champion.count, "challenger": share.challenger.count}
                return {"kind": "share", **counts, "confidence_difference": share.difference, "p_value": share.test.p}
            case Pairs() as pairs:
                return {
                    "kind": "shadow",
                    "images": pairs.differences.count,
                    "agreement": pairs.agreement,
                    "confidence_difference": pairs.differences.mean,
                    "p_value": pairs.test.p,
                }
        return None

    def _fresh_comparison(self) -> Share | Pairs | None:
        if self.challenger is None:
            return None
        return Pairs() if self.options.shadow else Share()

    async def _ask_shadow(self, arm: Arm, contents: Sequence[bytes], champion: Answers, request_id: str) -> None:
        # now: the version that is leased answers, even if another takes its place while the images are decoded
        started, lease = time.perf_counter(), Lease(arm.name, arm.batcher)
        try:
            images = await self.decoder.decode(contents, lease.batcher.model)
            answers = await lease.batcher.answer(images)
        except RefusedError:
            self.metrics.shadow_dropped.inc(len(contents))
            return
        except Exception:
            logger.exception("the shadow failed")
            return
        self._note(lease, images, answers, request_id, started, shadow=True)
        if isinstance(self.comparison, Pairs):
            for of_champion, of_shadow in zip(champion.probabilities, answers.probabilities, strict=True):
                same_class = bool(of_champion.argmax() == of_shadow.argmax())
                self.comparison.add(same_class, float(of_shadow.max() - of_champion.max()))
            self._show_comparison(self.comparison.differences.mean, self.comparison.test.p)

    def _note(
        self, lease: Lease, images: Images, answers: Answers, request_id: str, started: float, *, shadow: bool
    ) -> None:
        manifest, metrics = lease.batcher.model.manifest, self.metrics
        now, latency = time.time(), time.perf_counter() - started
        metrics.prediction_seconds(lease.arm).observe(latency)
        for index, shares in enumerate(answers.probabilities):
            best = int(shares.argmax())
            name, confidence = manifest.class_names[best], float(shares[best])
            metrics.predictions(lease.arm, name).inc()
            metrics.confidence(lease.arm).observe(confidence)
            if isinstance(self.comparison, Share):
                self.comparison.add(lease.arm, confidence)
            self.log.record(
                Prediction(
                    time=now,
                    request_id=request_id,
                    index=index,
                    arm=lease.arm,
                    shadow=shadow,
                    model_version=manifest.model_version,
                    class_index=best,
                    class_name=name,
                    confidence=confidence,
                    probabilities=shares,
                    latency_s=latency,
                    image=images[index],
                )
            )
        if isinstance(self.comparison, Share):
            self._show_comparison(self.comparison.difference, self.comparison.test.p)

    def _show_comparison(self, difference: float, p_value: float) -> None:
        self.metrics.difference.set(difference)
        self.metrics.p_value.set(p_value)
