"""The web application: routes on a service, behind the guard."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..common.version import __version__
from . import inference_route, predict_route, service_routes
from .guard import Guard, is_open
from .problems import FaultError, RefusedError
from .service import Service


def create_app(service: Service) -> Guard:
    """Create the ASGI application.

    While it runs, new versions are looked for.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        watch = asyncio.create_task(service.watch())
        yield {"service": service}  # becomes `scope["state"]`, and a connection's `app_state`
        watch.cancel()
        await service.close()

    app = FastAPIOffline(  # FastAPI's own page takes its scripts from another site
        title="hpo",
        version=__version__,
        redoc_url=None,
        static_url="/docs/static",
        lifespan=lifespan,
    )
    predict = predict_route.predictor(service)
    own = (predict_route.router(predict), inference_route.router(service), service_routes.router(service))
    for routes in (*own, *service.log.routers()):
        app.include_router(routes)
    if service.options.token:
        app.openapi_schema = _secured(app.openapi())
    app.add_exception_handler(RefusedError, _problem_response)
    app.add_exception_handler(HTTPException, _problem_response)
    app.add_exception_handler(RequestValidationError, _problem_response)
    app.add_exception_handler(Exception, _problem_response)
    return Guard(_Shortcut(predict, app), service)


def _secured(description: dict[str, Any]) -> dict[str, Any]:
    """Return the OpenAPI `description` with the token's scheme.

    The page `/docs` then asks for the token.
    """
    scheme = {"type": "http", "scheme": "bearer"}
    description.setdefault("components", {})["securitySchemes"] = {"token": scheme}
    for path, operations in description["paths"].items():
        for operation in operations.values() if not is_open(path) else ():
            operation["security"] = [{"token": []}]
    return description


class _Shortcut:
    """An ASGI application with a direct way for `POST /predict`.

    Everything else goes to `app`.

    The layers of FastAPI, in which the route is described, take longer than a small model does.
    """

    def __init__(self, predict: predict_route.Predict, app: ASGIApp) -> None:
        self._predict, self._app = predict, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a prediction, or pass the request on."""
        if scope.get("path") == predict_route.PATH and scope["method"] == "POST":
            answer: ASGIApp = await self._predict(Request(scope, receive, send))
        else:
            answer = self._app
        await answer(scope, receive, send)


async def _problem_response(request: Request, error: Exception) -> Response:
    """Answer a failure in the one form of all.

    Of a bug the client learns only that it is ours, and its traceback is logged.
    """
    match error:
        case RefusedError():
            problem = error
        case HTTPException():
            problem = RefusedError(error.status_code, str(error.detail), error.headers)
        case RequestValidationError():
            first = error.errors()[0]
            problem = RefusedError(422, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
        case _:
            problem = FaultError()
    return problem.response(request.state.request_id)
