"""The monitor's routes: POST /feedback, GET /monitor and its plots."""

import asyncio
import time
from collections.abc import Callable
from unicodedata import normalize

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from ..json_size import BoundedRoute
from ..problems import RefusedError
from .feedback import Truth, keep_feedback
from .plots import confidence_plot, mix_plot
from .report import Report

_FRESH_S = 2.0  # a report is made anew at most so often, however many look at it


class Label(BaseModel):
    """The true label of one image.

    `index` is its place in the request.
    """

    model_config = ConfigDict(extra="forbid")
    request_id: str = Field(min_length=1, max_length=128)
    index: int = Field(default=0, ge=0)
    label: str = Field(min_length=1, max_length=255)


class Feedback(BaseModel):
    """True labels of images that were answered."""

    model_config = ConfigDict(extra="forbid")
    labels: list[Label] = Field(min_length=1, max_length=1000)


class Kept(BaseModel):
    """The numbers of labels kept and of those with a prediction.

    `known` counts those that are of a prediction that the log holds.
    """

    kept: int
    known: int


def _nfc(name: str) -> str:
    """Return `name` in Unicode's composed form.

    Classes are compared in it: é may be one character or two.
    """
    return normalize("NFC", name)


def router(engine: Engine, classes: Callable[[], tuple[str, ...]], report: Callable[[], Report]) -> APIRouter:
    """Return the monitor's routes.

    Args:
        engine: of the log.
        classes: the class names of the model in service.
        report: makes a report.
    """
    routes = APIRouter(route_class=BoundedRoute)
    fresh = _Fresh(report)

    @routes.post("/feedback", summary="True labels of images that were answered")
    async def give_feedback(feedback: Feedback) -> Kept:
        by_nfc = {_nfc(name): name for name in await asyncio.to_thread(classes)}  # maybe looked up on another machine
        for label in feedback.labels:
            if _nfc(label.label) not in by_nfc:
                raise RefusedError(422, f"label: no class {label.label!r}; the classes are in /status")
        truths = [Truth(label.request_id, label.index, by_nfc[_nfc(label.label)]) for label in feedback.labels]
        try:
            held = await asyncio.to_thread(keep_feedback, engine, truths)
        except SQLAlchemyError as error:
            raise RefusedError(503, "the log cannot be written at present; try again", {"Retry-After": "5"}) from error
        return Kept(kept=len({(truth.request_id, truth.index) for truth in truths}), known=held)

    @routes.get("/monitor", summary="Counts, latency, confidence, class mix, drift alarms, accuracy")
    async def monitor() -> Response:
        return JSONResponse((await fresh.get()).to_json())

    @routes.get("/monitor/confidence.svg", summary="Mean confidence over time", response_class=Response)
    async def confidence() -> Response:
        return Response(confidence_plot(await fresh.get()), media_type="image/svg+xml")

    @routes.get("/monitor/mix.svg", summary="Classes answered over time", response_class=Response)
    async def mix() -> Response:
        return Response(mix_plot(await fresh.get()), media_type="image/svg+xml")

    return routes


class _Fresh:
    """One report for all who ask within two seconds.

    It is made on a thread.
    """

    def __init__(self, make: Callable[[], Report]) -> None:
        self._make = make
        self._lock = asyncio.Lock()
        self._report: Report | None = None
        self._made = 0.0

    async def get(self) -> Report:
        async with self._lock:
            if self._report is None or time.monotonic() - self._made > _FRESH_S:
                try:
                    self._report = await asyncio.to_thread(self._make)
                except SQLAlchemyError as error:
                    raise RefusedError(503, "the log cannot be read at present", {"Retry-After": "5"}) from error
                self._made = time.monotonic()
            return self._report
