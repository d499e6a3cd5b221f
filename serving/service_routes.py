"""The routes for health, metrics, status and the page."""

import hashlib
import re
from base64 import b64encode
from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import HTMLResponse, JSONResponse, Response

from .service import Service


def router(service: Service) -> APIRouter:
    """Return the routes that are no predictions."""
    routes = APIRouter()
    page = files("hpo.serving").joinpath("page.html").read_text(encoding="utf-8")
    headers = {"Content-Security-Policy": content_policy(page), "X-Content-Type-Options": "nosniff"}

    @routes.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def index() -> Response:
        return HTMLResponse(page, headers=headers)

    @routes.get("/health", summary="Is the process alive? As /healthz")
    @routes.get("/healthz", summary="Is the process alive?")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @routes.get("/readyz", summary="Should requests be sent here?", responses={503: {"description": "shutting down"}})
    async def readyz() -> Response:
        if service.draining:
            return JSONResponse({"status": "shutting down"}, 503)
        return JSONResponse({"status": "ready"})

    @routes.get("/status", summary="The versions in service, and how the arms compare")
    async def status() -> dict[str, Any]:
        return service.status()

    @routes.get("/metrics", summary="For Prometheus", response_class=Response)
    async def metrics() -> Response:
        service.metrics.queue.set(service.queue.images)
        service.metrics.tell_log(service.log.state)
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return routes


def content_policy(page: str) -> str:
    """Return the Content-Security-Policy of `page`.

    Under it the page runs its own inline style and script, and nothing else at all.
    """

    def allowed(element: str) -> str:
        (inside,) = re.findall(f"<{element}>(.*?)</{element}>", page, re.DOTALL)
        return f"'sha256-{b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"

    own = f"style-src {allowed('style')}; script-src {allowed('script')}; connect-src 'self'; img-src blob:"
    return f"default-src 'none'; {own}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
