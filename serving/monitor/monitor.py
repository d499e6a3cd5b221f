"""The monitor of a server: its log, its routes and its state."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from ...common.bounded import ARRAYS_BYTES, read_bytes
from ...common.manifest import Manifest
from ...errors import HpoError, ServeError
from ..export_folder import read_manifest
from ..options import Source
from ..prediction import LogState, Prediction
from .log import SqlLog
from .options import MonitorOptions
from .reference import REFERENCE, Reference
from .report import LEAST, Report, make_report
from .schema import log_url, open_log
from .store import Store
from .watch import Watch

if TYPE_CHECKING:
    from fastapi import APIRouter

logger = logging.getLogger("hpo.monitor")


@dataclass(frozen=True, slots=True)
class MakeMonitor:
    """A factory of the monitor, pickled into every worker.

    It makes the monitor inside a server process.

    `sources` are the server's arms, the champion first; `url` the log's, None for predictions.db beside the champion's
    export.
    """

    sources: tuple[Source, ...]
    options: MonitorOptions = field(default_factory=MonitorOptions)
    url: str | None = None

    def __call__(self) -> "Monitor":
        """Make the monitor, with its log open.

        Raises:
            ServeError: the log cannot be opened.
        """
        return Monitor(self.sources, self.url or log_url(self.sources[0].locate()), self.options)


class Monitor:
    """A PredictionLog with drift alarms, feedback and a report.

    Args:
        sources: where the models in service are found, the champion first.
        url: of the log.
        options: sizes, shares, and the rate of false alarms.

    Raises:
        ServeError: the log cannot be opened.
    """

    def __init__(self, sources: Sequence[Source], url: str, options: MonitorOptions) -> None:
        self._sources = tuple(sources)
        self._options = options
        self._engine: Engine = open_log(url, create=True)
        self._log = SqlLog(Store(self._engine), options, self._watch_for)

    def record(self, prediction: Prediction) -> None:
        """Take one prediction, or drop and count it."""
        self._log.record(prediction)

    def close(self) -> None:
        """Write what is still held."""
        self._log.close()

    @property
    def state(self) -> LogState:
        """Return the state of the log."""
        return self._log.state

    def routers(self) -> "Sequence[APIRouter]":
        """Return the routes POST /feedback, GET /monitor and its plots."""
        from .routes import router

        return (router(self._engine, lambda: self._champion().class_names, self._report),)

    def _champion(self) -> Manifest:
        return read_manifest(self._sources[0].locate())

    def _report(self) -> Report:
        folder = self._sources[0].locate()
        manifest = read_manifest(folder)
        return make_report(self._engine, manifest, find_reference(folder, manifest))

    def _watch_for(self, version: str) -> Watch | None:
        """Return the watch over a model version, or None.

        None where its export has no usable reference, which is logged.
        """
        for folder, manifest in self._exports():
            if manifest.model_version == version:
                reference = find_reference(folder, manifest)
                if reference is None:
                    logger.warning("%s: has no reference of at least %d images: no drift alarms", folder, LEAST)
                    return None
                return Watch(version, manifest.class_names, reference, self._options, manifest.temperature)
        logger.warning("version %s: its export is no longer there: no drift alarms", version)
        return None

    def _exports(self) -> Iterator[tuple[Path, Manifest]]:
        for source in self._sources:
            try:
                folder = source.locate()
                yield folder, read_manifest(folder)
            except HpoError as error:
                logger.warning("%s", error)


def find_reference(folder: Path, manifest: Manifest) -> Reference | None:
    """Return the usable reference of an export, or None."""
    described = manifest.files.get(REFERENCE)
    if described is None:
        return None
    try:
        content = read_bytes(folder / REFERENCE, ARRAYS_BYTES)
        if hashlib.sha256(content).hexdigest() != described.sha256:
            raise ServeError(f"{folder / REFERENCE}: is not the file that the manifest describes (another SHA-256)")
        reference = Reference.load(folder / REFERENCE)
    except (OSError, ServeError) as error:
        logger.warning("no drift alarms: %s", error)
        return None
    return reference if len(reference) >= LEAST and reference.classes == len(manifest.class_names) else None
