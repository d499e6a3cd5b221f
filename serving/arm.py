"""One of the models that answer, and how another version takes its place."""

import asyncio
import logging

from ..errors import HpoError, ServeError
from .batching import Batcher, Queue
from .export_folder import Mark, mark, read_export
from .metrics import Metrics
from .model import Model
from .options import Source
from .tryout import Limits, try_out

logger = logging.getLogger("hpo.serving")


class Arm:
    """`champion` or `challenger`: a source of versions and the one in service.

    A request takes `batcher` once and keeps it to its end: the version that began an answer also ends it, and the one
    that was replaced is gone with its last request.
    """

    def __init__(self, name: str, source: Source, limits: Limits, queue: Queue, metrics: Metrics) -> None:
        """Load the first version.

        Raises:
            ServeError: there is none that can be served.
        """
        self.name = name
        self._source, self._limits, self._queue, self._metrics = source, limits, queue, metrics
        self._seen, model = self._load()
        self.batcher = self._put_in_service(model)

    @property
    def model(self) -> Model:
        """The one in service."""
        return self.batcher.model

    async def look(self) -> bool:
        """Look for a new version and put it in service if it is sound.

        Returns:
            Whether the version has changed. One that cannot be served is logged once and passed over.
        """
        try:
            folder = await asyncio.to_thread(self._source.locate)
            now = await asyncio.to_thread(mark, folder)
            if now is None or now == self._seen:
                return False
            self._seen = now  # good or bad, this state is read once
            _, model = await asyncio.to_thread(self._load)
        except HpoError as error:
            logger.error("%s: kept at version %s: %s", self.name, self.model.manifest.model_version, error)
            self._metrics.swaps.labels(self.name, "refused").inc()
            return False
        return self._swap(model)

    def _load(self) -> tuple[Mark | None, Model]:
        folder = self._source.locate()
        seen = mark(folder)  # before reading: a change while it is read is seen at the next look
        export = read_export(folder)
        speed = try_out(export, self._limits)
        return seen, Model.tried(export, speed, threads=self._limits.threads)

    def _swap(self, model: Model) -> bool:
        old = self.model.manifest
        if model.manifest == old:
            return False
        self._metrics.model.labels(self.name, old.model_version).set(0)
        self.batcher = self._put_in_service(model)
        self._metrics.swaps.labels(self.name, "done").inc()
        logger.info("%s: version %s in place of %s", self.name, model.manifest.model_version, old.model_version)
        return True

    def _put_in_service(self, model: Model) -> Batcher:
        self._metrics.model.labels(self.name, model.manifest.model_version).set(1)
        return Batcher(model, self._queue)


def check_pair(champion: Arm, challenger: Arm) -> None:
    """Whether the arms can be compared.

    Raises:
        ServeError: they do not know the same classes.
    """
    ours, theirs = champion.model.manifest.class_names, challenger.model.manifest.class_names
    if ours != theirs:
        odd = sorted(set(ours) ^ set(theirs))[:5] or ["another order"]
        raise ServeError(f"champion and challenger must have the same classes; they differ in {', '.join(odd)}")
