"""The web application: routes on a service, behind the guard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from . import inference_route, predict_route, service_routes
from .guard import Guard
from .problems import RefusedError
from .service import Service


def create_app(service: Service) -> Guard:
    """The ASGI application; while it runs, new versions are looked for."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        watch = asyncio.create_task(service.watch())
        yield {"service": service}
        watch.cancel()
        await service.close()

    # note: without the interactive pages, whose scripts come from another site
    app = FastAPI(title="hpo", docs_url=None, redoc_url=None, lifespan=lifespan)
    for module in (predict_route, inference_route, service_routes):
        app.include_router(module.router(service))
    for routes in service.log.routers():
        app.include_router(routes)
    app.add_exception_handler(RefusedError, _told)
    app.add_exception_handler(HTTPException, _told)
    app.add_exception_handler(RequestValidationError, _told)
    app.add_exception_handler(Exception, _told)
    return Guard(app, service)


async def _told(request: Request, error: Exception) -> Response:
    """Every failure in one form; of a bug the client learns only that it is ours, and its traceback is logged."""
    match error:
        case RefusedError():
            problem = error
        case HTTPException():
            problem = RefusedError(error.status_code, str(error.detail), error.headers)
        case RequestValidationError():
            first = error.errors()[0]
            problem = RefusedError(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        case _:
            problem = RefusedError(500, "a fault of the server; its log has the rest under this request_id")
    return problem.response(request.state.request_id)
