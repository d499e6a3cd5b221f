"""POST /predict: image files in, classes out."""

import json
import re
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ..common.preprocess import STEPS
from .answer import prediction
from .bodies import image_files
from .problems import RefusedError
from .service import Service

PATH = "/predict"

_ONE_FILE = {"schema": {"type": "string", "format": "binary"}}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["images"],
                "properties": {"images": {"type": "array", "items": {"type": "string", "format": "byte"}}},
            }
        },
        **{f"image/{kind}": _ONE_FILE for kind in ("png", "jpeg", "webp", "gif", "bmp")},
    },
}
_MOST_CLASSES = 100_000  # above any classifier; ImageNet-21k has 21,841
_TOP = {
    "name": "top",
    "in": "query",
    "description": "Probabilities of so many likeliest classes; of all without it.",
    "schema": {"type": "integer", "minimum": 1, "maximum": _MOST_CLASSES},
}
_ERROR = {
    "type": "object",
    "required": ["error", "request_id"],
    "properties": {"error": {"type": "string"}, "request_id": {"type": "string"}},
}
_REFUSALS = {
    400: "the body is broken",
    401: "the token is missing or wrong",
    403: "the Host or the Origin is not ours",
    408: "the body was not there in time",
    413: "too many bytes, pixels, images or numbers",
    414: "the path is too long",
    415: "a body or an image format that is not read here",
    422: "an image is damaged, or there is none",
    431: "the head of the request is too large",
    503: "more requests than can be answered",
}
_ANSWER = {
    "type": "object",
    "required": ["request_id", "model", "model_version", "arm", "predictions"],
    "properties": {
        "request_id": {"type": "string"},
        "model": {"type": "string"},
        "model_version": {"type": "string"},
        "arm": {"type": "string"},
        "predictions": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["class", "confidence", "probabilities"],
                "properties": {
                    "class": {"type": "string"},
                    "confidence": {"type": "number"},
                    "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
                },
            },
        },
    },
}


def refusals() -> dict[int | str, dict[str, Any]]:
    """Return the error responses for the OpenAPI page of a route."""
    content = {"application/json": {"schema": _ERROR}}
    return {status: {"description": words, "content": content} for status, words in _REFUSALS.items()}


Predict = Callable[[Request], Awaitable[Response]]


def predictor(service: Service) -> Predict:
    """Return the function that answers `POST /predict`."""

    async def predict(request: Request) -> Response:
        request_id: str = request.state.request_id
        top = _top(request.scope["query_string"])
        lease = service.lease(request_id)  # first: a request that will be refused is not read
        body = await request.body()
        started = time.perf_counter()
        contents = image_files(request.headers.get("content-type", ""), body)
        service.metrics.request_images.observe(len(contents))
        manifest = lease.batcher.model.manifest
        images = await service.decoder.decode(contents, lease.batcher.model, request.state.connection.waiting)
        answers = await service.answer(lease, images, request_id, started)
        service.shadow(contents, answers, request_id)
        answer = {
            "request_id": request_id,
            "model": manifest.study,
            "model_version": manifest.model_version,
            "arm": lease.arm,
            "predictions": [prediction(shares, manifest.class_names, top) for shares in answers.probabilities],
        }
        return Response(json.dumps(answer, ensure_ascii=False), media_type="application/json")

    return predict


def router(predict: Predict) -> APIRouter:
    """Return the route with its description."""
    routes = APIRouter()
    success = {
        "description": "Answers in the order of the images.",
        "content": {"application/json": {"schema": _ANSWER}},
    }
    routes.add_api_route(
        PATH,
        predict,
        methods=["POST"],
        summary="Classify one or several images",
        description="What becomes of an image:\n\n" + "\n".join(f"1. {step}" for step in STEPS),
        response_class=Response,
        responses={200: success, **refusals()},
        openapi_extra={"requestBody": _BODY, "parameters": [_TOP]},
    )
    return routes


def _top(query: bytes) -> int | None:
    """Read the number of classes asked for, or None."""
    values = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("top") if query else None
    if values is None:
        return None
    if not re.fullmatch("[1-9][0-9]{0,5}", values[-1]) or int(values[-1]) > _MOST_CLASSES:
        raise RefusedError(422, f"query.top: must be a whole number from 1 to {_MOST_CLASSES}, got {values[-1][:40]!r}")
    return int(values[-1])
