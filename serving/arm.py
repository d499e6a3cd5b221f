"""Arms: the models that answer, and the exchange of their versions."""

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
    """A source of versions and the one in service: `champion` or `challenger`.

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
        self._last_mark, model = self._load()
        self.batcher = self._put_in_service(model)

    @property
    def model(self) -> Model:
        """Return the model in service."""
        return self.batcher.model

    async def look(self) -> bool:
        """Look for a new version and serve it if it is sound.

        Returns:
            Whether the version has changed. One that cannot be served is logged once and passed over.
        """
        try:
            folder = await asyncio.to_thread(self._source.locate)
            current = await asyncio.to_thread(mark, folder)
            if current is None or current == self._last_mark:
                return False
            self._last_mark = current  # good or bad, this state is read once
            _, model = await asyncio.to_thread(self._load)
        except HpoError as error:
            logger.error("%s: kept at version %s: %s", self.name, self.model.manifest.model_version, error)
            self._metrics.swaps.labels(self.name, "refused").inc()
            return False
        return self._swap(model)

    def _load(self) -> tuple[Mark | None, Model]:
        folder = self._source.locate()
        state = mark(folder)  # before reading: a change while it is read is seen at the next look
        export = read_export(folder)
        speed = try_out(export, self._limits)
        return state, Model.tried(export, speed, threads=self._limits.threads)

    def _swap(self, model: Model) -> bool:
        old = self.model.manifest
        if model.manifest == old:
            return False
        self._metrics.model.labels(self.name, old.model_version).set(0)  # else both versions would show as in service
        self.batcher = self._put_in_service(model)
        self._metrics.swaps.labels(self.name, "done").inc()
        logger.info("%s: version %s in place of %s", self.name, model.manifest.model_version, old.model_version)
        return True

    def _put_in_service(self, model: Model) -> Batcher:
        self._metrics.model.labels(self.name, model.manifest.model_version).set(1)
        return Batcher(model, self._queue)


def check_pair(champion: Arm, challenger: Arm) -> None:
    """Refuse arms that cannot be compared.

    They must know the same classes, in the same order.

    Raises:
        ServeError: they do not know the same classes.
    """
    champion_names, challenger_names = champion.model.manifest.class_names, challenger.model.manifest.class_names
    if champion_names != challenger_names:
        differing = sorted(set(champion_names) ^ set(challenger_names))[:5] or ["another order"]
        raise ServeError(f"champion and challenger must have the same classes; they differ in {', '.join(differing)}")
